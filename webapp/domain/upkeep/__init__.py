"""What follows from what was found on the nodes, and how well a part works."""
