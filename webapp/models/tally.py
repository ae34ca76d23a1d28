"""History added up, so that metrics need not read all of it at every scrape."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, UtcDateTime


class Tally(Base):
    """What one counter, or one bucket of a histogram, counts until the mark."""

    __tablename__ = "tallies"

    metric: Mapped[str] = mapped_column(String(64), primary_key=True)
    labels: Mapped[str] = mapped_column(String(240), primary_key=True)
    """A JSON list of the labels' values."""
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """0 for a counter; else the histogram's bucket, counted from its shortest."""
    count: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[float]
    """The sum of what was counted: seconds, bytes, or just as many as `count`."""


class TallyMark(Base):
    """The moment until which history is in the tallies; there is one row."""

    __tablename__ = "tally_marks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
