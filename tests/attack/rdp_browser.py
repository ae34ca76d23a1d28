"""A signed-in person's browser that sends RDP which no genuine page sends."""

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.attack.catalogue import attack
from tests.attack.client import Client
from tests.attack.promise import Broken
from tests.attack.slow_clients import PAGE_S
from tests.attack.target import Target
from tests.gateway.fake_browser import http_status, rdcleanpath_request
from tests.gateway.rdp import recorded
from webapp.gateway.rdp.pdu import mcs

BEGINNING = recorded.beginning(recorded.read("xfce-with-resize"), 5_000)
#: One message of three-byte input PDUs, of the maximum size of a message.
FLOOD = bytes.fromhex("040360") * ((4 << 20) // 3 - 1)
FLOODED_S, ANSWER_S, REFUSED_S = 15.0, 20.0, 15.0
USER, CLIPBOARD = 5, 1004
FORMAT_LIST = 2
#: The offsets of the X.224 end mark and of the MCS PDU type in a packet.
END_MARK, KIND = 6, 7


@contextmanager
def connected(target: Target, client: Client, desktop_id: str) -> Iterator[ClientConnection]:
    """Yield a browser that the gateway has accepted, after the set-up with the real desktop."""
    made = client.api("POST", f"/sessions/{desktop_id}/tickets", {})
    if made.status != 201:
        raise RuntimeError(f"there is no ticket: {made.said}")
    with connect(
        made.json["gateway_url"],
        origin=Origin(target.url),
        compression=None,
        max_size=None,
        proxy=None,
        ping_interval=None,
        close_timeout=2,
    ) as socket:
        socket.send(rdcleanpath_request(made.json["ticket"]))
        answer = socket.recv(ANSWER_S)
        if not isinstance(answer, bytes) or http_status(answer) is not None:
            raise RuntimeError("the gateway did not let the ticket in")
        play(socket)
        yield socket


def play(socket: ClientConnection) -> None:
    """Play the browser's part of a recorded set-up; read as many desktop bytes as recorded."""
    due = came = 0
    for direction, data in BEGINNING:
        if direction == recorded.FROM_DESKTOP:
            due += len(data)
            continue
        with suppress(TimeoutError):  # a picture may be smaller than the recorded one
            while came < due:
                came += len(socket.recv(3))
        socket.send(data)


@attack(
    "gateway: messages of 4 MB with PDUs of three bytes, by a person who is signed in",
    f"a ping is answered in {PAGE_S:.0f} s",
)
def flood(target: Target) -> str:
    client, sent = target.client("flooding-browser"), 0
    with (
        target.session(client) as desktop_id,
        connected(target, client, desktop_id) as socket,
        target.bystander(f"{target.gateway_url}/gateway/ping") as looks,
    ):
        end = time.monotonic() + FLOODED_S
        with suppress(ConnectionClosed):
            while time.monotonic() < end:
                socket.send(FLOOD)
                sent += 1
    if looks.longest > PAGE_S:
        raise Broken(f"somebody else's ping took {looks.longest:.1f} s")
    return f"{sent} messages of 4 MB were taken; a ping took {looks.longest:.2f} s at most"


@attack(
    "gateway: bytes that an RDP server would read leniently (MCS 0x65, X.224 without end mark)",
    "the connection is refused; the same PDU in its one form passes",
)
def lenient_bytes(target: Target) -> str:
    client = target.client("lenient")
    honest = mcs.data_pdu(mcs.SEND_DATA_REQUEST, USER, CLIPBOARD, format_list())
    forms = {"MCS 0x65": changed(honest, KIND, 0x65), "end mark 0": changed(honest, END_MARK, 0)}
    told = []
    with target.session(client) as desktop_id:
        if why := refusal(target, client, desktop_id, honest):
            raise RuntimeError(f"the honest PDU is refused: {why}")
        for name, pdu in forms.items():
            why = refusal(target, client, desktop_id, pdu)
            if not why:
                raise Broken(f"{name} passed")
            told.append(f"{name}: {why}")
    return "; ".join(told)


def format_list() -> bytes:
    """Return a text announcement in one chunk, as a page sends it."""
    formats = struct.pack("<I", 13) + b"\0\0"
    body = struct.pack("<HHI", FORMAT_LIST, 0, len(formats)) + formats
    return struct.pack("<II", len(body), 3) + body


def changed(pdu: bytes, place: int, value: int) -> bytes:
    return pdu[:place] + bytes([value]) + pdu[place + 1 :]


def refusal(target: Target, client: Client, desktop_id: str, pdu: bytes) -> str:
    """Return the gateway's reason for closing on this PDU; empty if the connection stays open."""
    with connected(target, client, desktop_id) as socket:
        socket.send(pdu)
        end = time.monotonic() + REFUSED_S
        with suppress(TimeoutError):
            try:
                while (left := end - time.monotonic()) > 0:
                    socket.recv(left)
            except ConnectionClosed as closed:
                return f"closed with {closed.rcvd.code if closed.rcvd else 'no code'}"
    return ""
