"""Pools of desktops built ahead of need: their size, their room and their upkeep."""
