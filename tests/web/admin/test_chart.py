"""The administrators' chart of launches: its text and its bars."""

import re
from datetime import UTC, datetime

from flask import Flask

from tests.web.conftest import Browse, words
from tests.worker.life import launch
from webapp.bootstrap import Services
from webapp.services.audit.record import Actor
from webapp.services.statistics.trends import BusyHour
from webapp.web.admin.chart import HEIGHT, chart_of

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_overview_shows_the_launches(
    services: Services, alice: Actor, root: Actor, browse: Browse, ready: str
) -> None:
    launch(services, alice)
    admin = browse("root")
    for page in (admin.get("/admin/"), admin.live("/admin/live")):
        assert "Launches in the last 24 hours: 2, failed: 0, most in one hour: 2." in words(page)
        assert "09:00 UTC: 0 at once, 2 built, 0 failed" in page.text
        heights = re.findall(r'class="chart-cold".*?height="([\d.]+)"', page.text)
        assert heights[-1] == "100.0"
        assert set(heights[:-1]) == {"0.0"}


def test_bars_stand_on_each_other_and_never_leave_the_plot(app: Flask) -> None:
    with app.test_request_context():
        chart = chart_of([BusyHour(AT, warm=30, cold=40, failed=90), BusyHour(AT, 0, 0, 0)])
    busy, quiet = chart.bars
    assert chart.top == 100
    assert (busy.cold_height, busy.warm_height, busy.failed_height) == (40, 30, 90)
    assert busy.cold_y + busy.cold_height == HEIGHT
    assert busy.warm_y + busy.warm_height == busy.cold_y
    assert (quiet.cold_height, quiet.warm_height, quiet.failed_height) == (0, 0, 0)
    assert busy.x + chart.bar <= quiet.x < chart.width
