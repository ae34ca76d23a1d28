"""A gateway without a database, to try pages and for benchmarks.

Tickets and target are options:
python -m tests.gateway.try_relay --listen 127.0.0.1:18801 --target ADDRESS:3389 --user desktop
    --password-file FILE --origin http://127.0.0.1:8080
Every ticket is valid. `try-LAYOUT`, such as `try-fr`, selects the keyboard layout, and
`try-LAYOUT@PORT` another desktop on the target's host.
"""

import argparse
import asyncio
import hashlib
import itertools
import ssl
import sys
from collections.abc import Collection
from pathlib import Path

from tests.gateway.rdp.recorded import RecordingConversation
from webapp.adapters.system import SystemClock
from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.domain.connections.target import Protocol, Target, TargetKind
from webapp.domain.desktops.keyboards import KEYBOARD_LAYOUTS
from webapp.gateway.process import run_in_loop
from webapp.gateway.rdp import relay
from webapp.gateway.rdp.pdu import x224
from webapp.gateway.server import Gateway
from webapp.gateway.settings import Settings
from webapp.services.connections.admission import Admitted, Client, RdpParameters
from webapp.services.connections.connections import Traffic
from webapp.services.connections.event_feed import DesktopSnapshots, Proof, Subscription


class EverybodyIsWelcome:
    """Admissions that accept every ticket, for one desktop."""

    def __init__(self, target: tuple[str, int], user: str, password: str) -> None:
        self.target = target
        self.user = user
        self.password = password
        self.clipboard_in = self.clipboard_out = True
        self.endings: dict[int, Ending] = {}
        self.closed: list[tuple[Traffic, ConnectionEnd]] = []
        self.close_seconds = 0.0
        self.person_id: int | None = None
        """The person of all connections; None: each connection has another person."""
        self.beats: list[Traffic] = []
        self._ids = itertools.count(1)
        self.certificate_sha256 = ""

    async def admit(self, ticket: str, client: Client) -> Admitted:
        layout, _, port = ticket.rpartition("-")[2].partition("@")
        target = (self.target[0], int(port or self.target[1]))
        number = next(self._ids)
        return Admitted(
            connection_id=number,
            person_id=number if self.person_id is None else self.person_id,
            target=Target(TargetKind.DESKTOP, "desktop-00000000"),
            protocol=Protocol.RDP,
            parameters=RdpParameters(
                address=target[0],
                port=target[1],
                certificate_sha256=self.certificate_sha256 or await fingerprint(*target),
                username=self.user,
                password=self.password,
                keyboard_layout=layout if layout in KEYBOARD_LAYOUTS else "us",
                clipboard_in=self.clipboard_in,
                clipboard_out=self.clipboard_out,
            ),
            taken_over=frozenset(),
        )

    async def look(self, connection_ids: list[int]) -> dict[int, Ending]:
        return {number: self.endings[number] for number in connection_ids if number in self.endings}

    async def beat(self, traffic: list[Traffic]) -> None:
        self.beats = traffic

    async def close(self, traffic: Traffic, why: ConnectionEnd) -> None:
        await asyncio.sleep(self.close_seconds)
        self.closed.append((traffic, why))


class NobodyListens:
    """Events of a gateway without a database."""

    async def by_key(self, text: str, source_address: str) -> Proof | None:
        return None

    async def by_cookie(self, header: str) -> Proof | None:
        return None

    async def look(
        self, wishes: Collection[Subscription], *, is_first: bool = False
    ) -> DesktopSnapshots:
        return DesktopSnapshots()


async def fingerprint(host: str, port: int) -> str:
    """Return the SHA-256 of the certificate that a desktop presents, in the playbooks' format."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(x224.connection_request())
        header = await reader.readexactly(4)
        await reader.readexactly(x224.confirm_length(header) - 4)
        await writer.start_tls(context)
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return hashlib.sha256(certificate).hexdigest()
    finally:
        writer.transport.abort()


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", type=_place, default=("127.0.0.1", 18801))
    parser.add_argument("--target", type=_place, required=True)
    parser.add_argument("--user", default="desktop")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--origin", default="http://127.0.0.1:8080")
    parser.add_argument("--record", type=Path, help="write down what both sides send")
    options = parser.parse_args()
    if options.record:
        RecordingConversation.file = options.record
        relay.Conversation = RecordingConversation  # type: ignore[misc]  # to look inside
    password = options.password_file.read_text().strip()
    admissions = EverybodyIsWelcome(options.target, options.user, password)
    settings = Settings(*options.listen, public_origin=options.origin, max_connections=1000)
    sys.stdout.write(f"listening on {options.listen}\n")
    run_in_loop(Gateway(settings, admissions, NobodyListens(), SystemClock()).run(asyncio.Event()))


if __name__ == "__main__":
    main()
