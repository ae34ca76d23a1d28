"""An RDP server in a desktop's network that replaces xrdp, with xrdp's own certificate.

    python -m tests.attack.flooding_desktop ROLE FOLDER

ROLE is `hostile` or `busy` (bench.rdp_roles). FOLDER holds `desktop.pem`, the key and certificate
of the replaced desktop. Prints a line when it listens.
"""

import asyncio
import os
import ssl
import sys
from pathlib import Path

from bench.raw_browser import BEGINNING
from bench.rdp_roles import ROLES

CERTIFICATE = "desktop.pem"
#: All addresses of the desktop's network.
EVERY_ADDRESS, RDP_PORT = "0.0.0.0", 3389
#: The attacker has the lowest priority: a real one has its own processor.
LEAST_PRIORITY = 19


async def serve(role: str, folder: Path) -> None:
    desktop = ROLES[role](folder, BEGINNING)
    desktop.host, desktop.port = EVERY_ADDRESS, RDP_PORT
    desktop.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    desktop.tls.load_cert_chain(folder / CERTIFICATE)
    async with desktop:
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "hostile":
        os.nice(LEAST_PRIORITY)
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
