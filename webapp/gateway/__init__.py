"""The gateway: relays RDP between browsers (WebSocket) and desktops (TLS), undecoded."""
