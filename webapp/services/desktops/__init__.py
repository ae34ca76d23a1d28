"""What a person does with desktops: launch, claim, extend, pause and stop; and their lists."""
