"""Running a program that speaks to something hostile: within a time, and up to a size."""

import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from webapp.domain.errors import OutsideFailed

#: How long a program that has said all may take to end by itself, in seconds.
ENDING_SECONDS = 2.0
CHUNK = 16_384


@dataclass
class Said:
    """How a program ended, and what it printed."""

    code: int = -1
    output: bytearray = field(default_factory=bytearray)
    errors: bytearray = field(default_factory=bytearray)
    is_whole: bool = False
    """It ended by itself, in time, and said no more than it may."""
    is_too_long: bool = False


def run_bounded(command: Sequence[str], text: bytes, *, seconds: float, most: int) -> Said:
    """Run `command` with `text` on its input; killed after `seconds` or `most` bytes of output.

    Raises OutsideFailed when it cannot be started.
    """
    said = Said()
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise OutsideFailed(f"{command[0]} cannot be started: {error.strerror}.", retry=True) from (
            error
        )
    with process:
        if process.stdin and process.stdout and process.stderr:
            with suppress(BrokenPipeError):  # it ended already; its errors say why
                process.stdin.write(text)
                process.stdin.close()
            heard = {process.stdout: said.output, process.stderr: said.errors}
            ends_at = time.monotonic() + seconds
            said.is_too_long = not _hear(heard, ends_at, most)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0 if time.monotonic() > ends_at else ENDING_SECONDS)
                said.is_whole = not said.is_too_long
        process.kill()
    said.code = process.returncode
    return said


def _hear(heard: dict[IO[bytes], bytearray], ends_at: float, most: int) -> bool:
    """Read until all have ended or the time is over; False: one said too much."""
    with selectors.DefaultSelector() as selector:
        for pipe, said in heard.items():
            selector.register(pipe, selectors.EVENT_READ, said)
        while selector.get_map() and (left := ends_at - time.monotonic()) > 0:
            for key, _events in selector.select(left):
                chunk = os.read(key.fd, CHUNK)
                if len(key.data) + len(chunk) > most:
                    return False
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
    return True
