"""Winux: a self-hosted desktop portal for Proxmox VE."""
