"""The web server's outer half: receives requests and sends responses without holding a thread."""
