"""A small server that speaks the Proxmox VE REST API, with LXC containers or memory behind it."""
