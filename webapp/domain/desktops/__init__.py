"""What a person may launch, extend and pause, and how long it takes."""
