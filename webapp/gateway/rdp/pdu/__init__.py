"""Parts of RDP's messages, read and written without sockets and clocks."""
