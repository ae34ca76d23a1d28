"""What a person asks of desktops: launch, claim, extend, pause, stop; and their lists."""
