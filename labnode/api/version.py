"""The version of Proxmox VE whose API this follows."""

VERSION = {"version": "9.1.2", "release": "9.1", "repoid": "winuxlab"}
