"""Parsers and writers for RDP's PDUs, without sockets and clocks."""
