"""The keyboard layouts of XKB compared with those of the product."""
