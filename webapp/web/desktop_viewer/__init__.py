"""The desktop viewer: a desktop in the browser."""
