"""Reports the version of Proxmox VE that this API follows."""

VERSION = {"version": "9.1.2", "release": "9.1", "repoid": "winuxlab"}
