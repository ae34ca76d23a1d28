"""The gateway: carries RDP between browsers (WebSocket) and desktops (TLS); decodes no picture."""
