"""Aggregated history, so that a metrics scrape need not read all of it."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, UtcDateTime


class Tally(Base):
    """The value of one counter, or of one bucket of a histogram, up to the mark."""

    __tablename__ = "tallies"

    metric: Mapped[str] = mapped_column(String(64), primary_key=True)
    labels: Mapped[str] = mapped_column(String(240), primary_key=True)
    """A JSON list of the labels' values."""
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """0 for a counter; otherwise the histogram's bucket, counted from the smallest."""
    count: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[float]
    """The sum of what was counted: seconds, bytes, or the same as `count`."""


class TallyMark(Base):
    """The time up to which history is in the tallies; the table has one row."""

    __tablename__ = "tally_marks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
