"""A virtual screen with FreeRDP on it: what a person with an RDP client sees."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

SIZE = "1280x800"
WHOLE = f"{SIZE}+0+0"
#: The strip of the panel, and the minimum number of colours of its icons.
PANEL, PANEL_COLOURS = "1280x36+0+764", 100


def freerdp() -> str:
    """Return the command of FreeRDP 2 (Debian 12) or 3 (Debian 13)."""
    return "xfreerdp" if shutil.which("xfreerdp") else "xfreerdp3"


class Screen:
    """Xvfb with at most one RDP client on it."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._client: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}

    def __enter__(self) -> "Screen":
        read, write = os.pipe()
        command = [
            "Xvfb",
            "-displayfd",
            str(write),
            "-screen",
            "0",
            f"{SIZE}x24",
            "-nolisten",
            "tcp",
        ]
        self._server = subprocess.Popen(
            command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(write)
        with os.fdopen(read) as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        self._environment = {**os.environ, "DISPLAY": f":{number}"}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in (self._client, self._server):
            if process is not None:
                process.terminate()
                process.wait(10)
        if self._client is not None:  # FreeRDP leaves this behind when it is terminated
            name = f"com.freerdp.xfreerdp.tsmf_{self._client.pid:016X}"
            (Path("/dev/shm") / name).unlink(missing_ok=True)

    def connect(self, computer: str, user: str, password: str) -> None:
        """Start FreeRDP; pass the password by standard input, because argument lists are public."""
        options = ["/cert:ignore", f"/size:{SIZE}", "/bpp:24", "/log-level:WARN"]
        self._client = subprocess.Popen(
            [freerdp(), f"/v:{computer}", f"/u:{user}", "/d:", "/from-stdin:force", *options],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert self._client.stdin is not None
        self._client.stdin.write(f"{password}\n".encode())
        self._client.stdin.close()

    def pixels(self, place: str) -> bytes:
        """Return a part of the screen (width x height + left + top), three bytes per pixel."""
        command = ["import", "-silent", "-window", "root", "-crop", place, "-depth", "8", "rgb:-"]
        return subprocess.run(
            command, env=self._environment, capture_output=True, check=True
        ).stdout

    def panel_colours(self) -> int:
        """Return the number of colours in the strip where a desktop shows its panel with icons.

        A black screen, or XRDP's log-in box in the middle, has one or two colours there.
        """
        pixels = self.pixels(PANEL)
        return len({pixels[at : at + 3] for at in range(0, len(pixels), 3)})

    def wait_for_desktop(self, timeout_s: float = 60) -> bool:
        """Whether the panel of a desktop appears before the timeout."""
        give_up = time.monotonic() + timeout_s
        while time.monotonic() < give_up:
            if self.panel_colours() >= PANEL_COLOURS:
                return True
            time.sleep(0.5)
        return False

    def wait_until_still(self, place: str = WHOLE, timeout_s: float = 20) -> None:
        """Return when nothing has moved for two seconds (a clock may tick once), or after the
        timeout."""
        give_up = time.monotonic() + timeout_s
        before, still_since = self.pixels(place), time.monotonic()
        while time.monotonic() < min(still_since + 2, give_up):
            time.sleep(0.4)
            if (now := self.pixels(place)) != before:
                before, still_since = now, time.monotonic()

    def move_pointer(self, x: int, y: int) -> None:
        """Move the pointer over the client's window, as a person does."""
        command = ["xdotool", "mousemove", str(x), str(y)]
        subprocess.run(command, env=self._environment, check=True)

    def keep_picture(self, file: Path) -> None:
        command = ["import", "-silent", "-window", "root", str(file)]
        subprocess.run(command, env=self._environment, check=True)
