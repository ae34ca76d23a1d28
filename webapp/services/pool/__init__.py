"""Desktops that are built ahead: how many, where there is room, and their upkeep."""
