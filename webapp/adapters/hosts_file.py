"""The file from which a DNS server reads the desktops' names, in the form of hosts(5)."""

import os
import tempfile
from pathlib import Path

from webapp.domain.errors import OutsideFailed

#: The DNS server runs as another account. Names and addresses are no secrets: DNS tells them.
MODE = 0o644


class LocalHostsFile:
    """Replaces the file as a whole, so that the DNS server never reads half of it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Replace the content if it differs: each change makes the DNS server read it again.

        Raises OutsideFailed if it cannot be written.
        """
        try:
            if not self._file.exists() or self._file.read_bytes() != text.encode():
                self._replace(text.encode())
        except OSError as error:
            raise OutsideFailed(
                f"{self._file} (WINUX_HOSTS_FILE) cannot be written: {error.strerror}.", retry=True
            ) from error

    def _replace(self, content: bytes) -> None:
        # dnsmasq ignores names that begin with a dot
        handle, name = tempfile.mkstemp(prefix=".", dir=self._file.parent)
        new = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), MODE)
            new.replace(self._file)
        except OSError:
            new.unlink(missing_ok=True)
            raise
