"""Keyboard layouts as XKB has them, and what the product says of them."""
