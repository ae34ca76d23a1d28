"""Uploaded files, written to disk as they arrive, up to a maximum size."""

from __future__ import annotations

import io
import secrets
from pathlib import Path
from typing import IO

from labnode.errors import Failed

MAX_BYTES = 8 * 1024**3


class LimitedFile(io.FileIO):
    """A file that cannot grow beyond `MAX_BYTES`."""

    def write(self, data: object, /) -> int:
        written = super().write(data)  # type: ignore[arg-type]  # any buffer, as in FileIO
        if self.tell() > MAX_BYTES:
            raise Failed(f"upload too large (more than {MAX_BYTES} bytes)")
        return written


class UploadFile:
    """An upload that is being written to disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"pveupload-{secrets.token_hex(16)}"
        self._file: IO[bytes] | None = None

    def open(self) -> IO[bytes]:
        """Return the file to write to."""
        self._file = io.BufferedRandom(LimitedFile(self.path, "w+"), 1024 * 1024)
        return self._file

    def close(self) -> None:
        """Finish the upload after its last part."""
        if self._file is None:
            self.path.touch()
            return
        self._file.close()
