"""Runs a program that talks to an untrusted peer, with limits on time and output size."""

import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from webapp.domain.errors import OutsideFailed

#: How long a program may take to end after it has closed its output, in seconds.
ENDING_SECONDS = 2.0
CHUNK = 16_384


@dataclass
class ProgramResult:
    """A program's exit code and output."""

    code: int = -1
    output: bytearray = field(default_factory=bytearray)
    errors: bytearray = field(default_factory=bytearray)
    is_whole: bool = False
    """True if the program ended by itself, in time and within the output limit."""
    is_too_long: bool = False


def run_bounded(command: Sequence[str], text: bytes, *, seconds: float, most: int) -> ProgramResult:
    """Runs `command` with `text` on its input; kills it after `seconds` or `most` bytes of output.

    Raises OutsideFailed if it cannot be started.
    """
    said = ProgramResult()
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
            with suppress(BrokenPipeError):  # it has ended; its error output has the cause
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
    """Reads until all pipes are closed or the time is over; False if one exceeds `most` bytes."""
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
