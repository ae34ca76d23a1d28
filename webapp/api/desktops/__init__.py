"""The routes of desktops, which the API calls sessions."""
