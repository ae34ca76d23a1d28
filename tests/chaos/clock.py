"""A clock with an error: the machine's time plus an offset in seconds from a file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path


class ShiftedClock:
    """All processes of a world with the same file jump together (`ports.Clock`)."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    @property
    def offset(self) -> float:
        return float(self._file.read_text())

    def shift(self, seconds: float) -> None:
        """Jump forward, or back."""
        self.set(self.offset + seconds)

    def set(self, offset: float) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(f"{offset}")
        part.replace(self._file)
