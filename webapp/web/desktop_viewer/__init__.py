"""The desktop in the browser."""
