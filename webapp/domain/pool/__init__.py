"""How many desktops a pool keeps warm, and when."""
