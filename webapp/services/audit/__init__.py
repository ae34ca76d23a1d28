"""What was done and refused: written in the act's transaction, read, exported, announced."""
