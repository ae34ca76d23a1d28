"""A clock that can be wrong: the machine's time and an offset that a file holds, in seconds."""

from datetime import UTC, datetime, timedelta
from pathlib import Path


class ShiftedClock:
    """All processes of a world that have the same file jump together (`ports.Clock`)."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    @property
    def offset(self) -> float:
        return float(self._file.read_text())

    def shift(self, seconds: float) -> None:
        """Jump ahead, or back."""
        self.set(self.offset + seconds)

    def set(self, offset: float) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(f"{offset}")
        part.replace(self._file)
