"""What follows from the findings on the nodes, and how healthy a part is."""
