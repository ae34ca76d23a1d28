"""An RDP server in a desktop's network, in the place of xrdp, with xrdp's own certificate.

    python -m tests.attack.flooding_desktop ROLE FOLDER

ROLE is `hostile` or `busy` (bench.rdp_roles). FOLDER holds `desktop.pem`, the key and certificate of
the desktop that it stands in for. Prints a line when it listens.
"""

import asyncio
import os
import ssl
import sys
from pathlib import Path
from typing import Self

from bench.raw_browser import BEGINNING
from bench.rdp_roles import ROLES
from tests.gateway.fake_desktop import FakeDesktop

CERTIFICATE = "desktop.pem"
RDP_PORT = 3389
#: The attacker has the least priority: a real one has a processor of its own.
LEAST_PRIORITY = 19


class StandIn:
    """A desktop of bench.rdp_roles where the gateway expects a real one."""

    def __init__(self, desktop: FakeDesktop, folder: Path) -> None:
        self._desktop = desktop
        desktop.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        desktop.tls.load_cert_chain(folder / CERTIFICATE)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._desktop._attend,  # noqa: SLF001 (its own port is one of loopback)
            "0.0.0.0",  # noqa: S104 (of the desktop's network)
            RDP_PORT,
            limit=1 << 20,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


async def serve(role: str, folder: Path) -> None:
    async with StandIn(ROLES[role](folder, BEGINNING), folder):
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "hostile":
        os.nice(LEAST_PRIORITY)
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
