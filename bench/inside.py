"""Access to a desktop from the machine it runs on: commands, its framebuffer, its clipboard.

Programs that desktops lack (xwd, xclip) are copied from this machine.
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: A picture: height × width × 3, red, green, blue.
Pixels = NDArray[np.uint8]

#: The X server of the person's session: the newest, in case one has died.
FIND_DISPLAY = "export DISPLAY=:$(ls -t /tmp/.X11-unix | head -n1 | tr -d X)"
#: The used fields of an X window dump's header (X11/XWDFile.h), all 32 bits.
HEADER_SIZE, WIDTH, HEIGHT, BITS, LINE, COLOURS = 0, 4, 5, 11, 12, 19


@dataclass(frozen=True)
class Inside:
    """One container of a lab node. `user` is the person's account in it."""

    bridge: str
    vmid: int
    user: str = "desktop"

    def run(self, command: str, *, stdin: bytes = b"", timeout_s: float = 30) -> bytes:
        """Return the output of a shell command, run as the person in the running session."""
        script = f"{FIND_DISPLAY}; {command}"
        return self._attach("su", "-", self.user, "-c", script, stdin=stdin, timeout_s=timeout_s)

    def as_root(self, command: str, *, stdin: bytes = b"", timeout_s: float = 30) -> bytes:
        """Return the output of a shell command, run as root of the container."""
        return self._attach("sh", "-c", command, stdin=stdin, timeout_s=timeout_s)

    def start(self, command: str) -> None:
        """Start a program in the person's session and leave it running."""
        self.run(f"setsid -f {command} </dev/null >/dev/null 2>&1")

    def lend(self, *programs: str) -> None:
        """Copy programs of this machine into the desktop."""
        for program in programs:
            file = shutil.which(program)
            if file is None:
                raise FileNotFoundError(f"{program} is not on this machine; see setup/packages.txt")
            there = f"/usr/local/bin/{program}"
            copy = f"cat > {there}.new && chmod 755 {there}.new && mv -f {there}.new {there}"
            self._attach("sh", "-c", copy, stdin=Path(file).read_bytes())

    def framebuffer(self) -> Pixels:
        """Return the picture on the desktop's X server, without the pointer."""
        return parse_dump(self.run("xwd -root -silent"))

    def clipboard(self) -> str:
        """Return the clipboard text of the desktop; empty if there is none."""
        return self.run("timeout 3 xclip -selection clipboard -o || true").decode()

    def copy(self, text: str) -> None:
        """Copy a text to the clipboard of the desktop."""
        self.run("xclip -selection clipboard -i >/dev/null 2>&1", stdin=text.encode())

    def _attach(self, *command: str, stdin: bytes, timeout_s: float = 30) -> bytes:
        where = ["-P", f"/run/winux/{self.bridge}", "-n", str(self.vmid)]
        done = subprocess.run(
            ["lxc-attach", *where, "--clear-env", "--", *command],
            input=stdin,
            capture_output=True,
            check=True,
            timeout=timeout_s,
        )
        return done.stdout


def inside_of(database: Path, bridge: str, desktop_id: str) -> Inside:
    """Return the container of a ready desktop, as recorded in the portal's database."""
    query = "select vmid, rdp_username from desktops where public_id = ?"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        vmid, user = connection.execute(query, (desktop_id,)).fetchone()
    return Inside(bridge, vmid, user)


def parse_dump(dump: bytes) -> Pixels:
    """Parse an X window dump of 24 or 32 bits per pixel, blue first."""
    header = struct.unpack_from(">25I", dump)
    begin = header[HEADER_SIZE] + header[COLOURS] * 12
    height, width, line, size = (header[at] for at in (HEIGHT, WIDTH, LINE, BITS))
    rows = np.frombuffer(dump, np.uint8, height * line, begin).reshape(height, line)
    return rows[:, : width * size // 8].reshape(height, width, size // 8)[:, :, 2::-1]
