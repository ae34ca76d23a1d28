"""Probes a desktop's XRDP: X.224 connection request (MS-RDPBCGR 2.2.1.1), then TLS."""

from __future__ import annotations

import hashlib
import socket
import ssl
import time

from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.patience import moments

#: TPKT, X.224 connection request, RDP negotiation request for TLS.
CONNECTION_REQUEST = bytes.fromhex("03000013 0ee00000000000 0100080001000000")
PORT = 3389
RDP_S = 40
CALL_S = 5


def certificate_sha256(address: str) -> str:
    """Return the SHA-256 (hex) of the server's certificate; wait until XRDP responds."""
    trouble: OSError | ValueError = ValueError("no answer")
    for _waited in moments(RDP_S, first_s=0.05, longest_s=0.5):
        try:
            return _handshake(address)
        except (OSError, ValueError) as error:
            trouble = error
    raise ProxmoxFailed(
        f"the desktop at {address} does not answer on RDP port {PORT} after {RDP_S} s ({trouble})"
    )


def _handshake(address: str) -> str:
    """Do the whole handshake within CALL_S, however slowly the peer sends its bytes."""
    ends_at = time.monotonic() + CALL_S
    with socket.create_connection((address, PORT), timeout=CALL_S) as connection:
        connection.sendall(CONNECTION_REQUEST)
        _check_confirm(_receive(connection, 64, ends_at))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # self-signed: the caller compares its fingerprint
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure = context.wrap_bio(incoming, outgoing)
        while not _is_agreed(secure):
            connection.sendall(outgoing.read())
            incoming.write(_receive(connection, 16_384, ends_at))
        connection.sendall(outgoing.read())
        return hashlib.sha256(secure.getpeercert(binary_form=True) or b"").hexdigest()


def _is_agreed(secure: ssl.SSLObject) -> bool:
    """Whether the TLS handshake is complete; False if it waits for bytes."""
    try:
        secure.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _receive(connection: socket.socket, most: int, ends_at: float) -> bytes:
    connection.settimeout(max(ends_at - time.monotonic(), 0.001))
    if not (chunk := connection.recv(most)):
        raise ValueError("it hung up")
    return chunk


def _check_confirm(answer: bytes) -> None:
    """Require an X.224 connection confirm (0xd0), RDP negotiation response (2), and TLS (1)."""
    if len(answer) < 19 or answer[0] != 3 or answer[5] != 0xD0:
        raise ValueError("that is no RDP server")
    if answer[11] != 2 or answer[15] != 1:
        raise ValueError("the RDP server does not offer TLS")
