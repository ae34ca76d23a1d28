"""The `.rdp` file that mstsc, FreeRDP and Remmina open.

Settings: Microsoft's "Supported RDP properties". The password is never in it.
"""

import re
from dataclasses import dataclass

#: The port on which a desktop's XRDP listens.
RDP_PORT = 3389


@dataclass(frozen=True)
class RdpTarget:
    """The address, user and title for the file."""

    address: str
    port: int
    username: str
    title: str
    fqdn: str | None = None
    """Its name in DNS, which the file then has instead of the address."""

    @property
    def host(self) -> str:
        return self.fqdn or self.address


def rdp_file(target: RdpTarget) -> str:
    """Returns the file's text. Raises ValueError for a value that could break out of its line."""
    for value in (target.host, target.username, target.title):
        if re.search(r"[\x00-\x1f\x7f]", value):
            raise ValueError("a control character in an .rdp value")
    settings = [
        f"full address:s:{target.host}:{target.port}",
        f"username:s:{target.username}",
        "prompt for credentials:i:1",
        "authentication level:i:2",
        "enablecredsspsupport:i:0",
        "screen mode id:i:2",
        "dynamic resolution:i:1",
        "use multimon:i:0",
        "session bpp:i:32",
        "redirectclipboard:i:1",
        "redirectdrives:i:0",
        "redirectprinters:i:0",
        "audiomode:i:2",
        "autoreconnection enabled:i:1",
    ]
    return "".join(f"{line}\r\n" for line in settings)
