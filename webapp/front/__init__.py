"""The web server's outer half: takes requests in and sends answers out without holding a thread."""
