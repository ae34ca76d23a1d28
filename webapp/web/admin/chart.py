"""The bar chart of launches per hour: sizes and texts for the template that draws the SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.services.statistics.trends import BusyHour
from webapp.web.language import _

#: Sizes in units of the drawing; a step is a bar and the gap next to it.
HEIGHT, STEP, BAR, FAILED_BAR = 100, 30, 22, 7


@dataclass(frozen=True)
class Bar:
    """One hour. Heights and positions are in units of the drawing, measured from the top."""

    hour: BusyHour
    x: int
    cold_y: float
    cold_height: float
    warm_y: float
    warm_height: float
    failed_x: int
    failed_y: float
    failed_height: float
    words: str


@dataclass(frozen=True)
class Chart:
    """All hours, the newest on the right."""

    bars: Sequence[Bar]
    top: int
    """The value of the top line."""
    words: str
    """A summary in one sentence, for screen readers."""
    height: int = HEIGHT
    bar: int = BAR
    failed_bar: int = FAILED_BAR

    @property
    def width(self) -> int:
        return STEP * len(self.bars)


def chart_of(hours: Sequence[BusyHour]) -> Chart:
    """Return the chart of these hours."""
    top = _round_up(max((max(one.launches, one.failed) for one in hours), default=0))
    launches = sum(one.launches for one in hours)
    failed = sum(one.failed for one in hours)
    words = _(
        "Launches in the last 24 hours: %(launches)s, failed: %(failed)s, most in one hour: "
        "%(most)s.",
        launches=launches,
        failed=failed,
        most=max((one.launches for one in hours), default=0),
    )
    bars = [_bar(number, one, top) for number, one in enumerate(hours)]
    return Chart(bars, top, words)


def _bar(number: int, hour: BusyHour, top: int) -> Bar:
    cold, warm, failed = (round(HEIGHT * n / top, 1) for n in (hour.cold, hour.warm, hour.failed))
    return Bar(
        hour=hour,
        x=number * STEP + (STEP - BAR) // 2,
        cold_y=round(HEIGHT - cold, 1),
        cold_height=cold,
        warm_y=round(HEIGHT - cold - warm, 1),
        warm_height=warm,
        failed_x=number * STEP + (STEP + BAR) // 2 - FAILED_BAR,
        failed_y=round(HEIGHT - failed, 1),
        failed_height=failed,
        words=_(
            "%(warm)s at once, %(cold)s built, %(failed)s failed",
            warm=hour.warm,
            cold=hour.cold,
            failed=hour.failed,
        ),
    )


def _round_up(most: int) -> int:
    """Return the first of 1, 2, 5, 10, 20, 50 … that is at least `most`."""
    scale = 1
    while True:
        for step in (1, 2, 5):
            if step * scale >= most:
                return step * scale
        scale *= 10
