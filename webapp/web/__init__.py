"""The web pages: each route parses the request, calls one service, and renders or redirects."""
