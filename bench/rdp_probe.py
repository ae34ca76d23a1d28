"""Requests a connection from a desktop's XRDP, as RDP clients do first (MS-RDPBCGR 2.2.1.1)."""

from __future__ import annotations

import socket
import time

#: TPKT header, X.224 Connection Request, RDP negotiation request for TLS.
CONNECTION_REQUEST = bytes.fromhex("030000130ee000000000000100080001000000")
CONNECTION_CONFIRM = 0xD0


def answers(address: str, port: int = 3389, timeout_s: float = 0.5) -> bool:
    """Whether a Connection Confirm is returned; False without a response or with another one."""
    try:
        with socket.create_connection((address, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(CONNECTION_REQUEST)
            reply = connection.recv(64)
    except OSError:
        return False
    return len(reply) > 5 and reply[5] == CONNECTION_CONFIRM


def wait_for_answer(address: str, give_up: float) -> float:
    """Return the time (monotonic) of the first response. Raises TimeoutError at `give_up`."""
    while not answers(address):
        if time.monotonic() > give_up:
            raise TimeoutError(f"XRDP at {address} does not answer")
        time.sleep(0.05)
    return time.monotonic()
