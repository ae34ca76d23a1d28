"""The times at which schedules require desktops, and their number."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refusals import refuses
from webapp.domain.errors import BadInput
from webapp.domain.pool.schedule import (
    Due,
    Schedule,
    Window,
    decide_due,
    parse_day,
    parse_hour,
    parse_weekdays,
    warm_up,
    weekdays_text,
)

PARIS = ZoneInfo("Europe/Paris")
UTC_ZONE = ZoneInfo("UTC")
MONDAY = frozenset({0})
#: Monday 2 March 2026, 10:00 to 12:00 in Paris is 9 to 11 UTC.
LESSON = Schedule(30, time(10), time(12), weekdays=MONDAY)


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def due(*schedules: Schedule, now: datetime, launches: tuple[datetime, ...] = ()) -> Due:
    """In Paris; a build takes a minute, and two run at once. 30 desktops take 15 rounds: 20:45
    minutes with the margins."""
    return decide_due(
        schedules,
        PARIS,
        now,
        launches=launches,
        usual_build=timedelta(minutes=1),
        at_once=2,
    )


def test_the_next_occurrence_is_in_local_time() -> None:
    assert LESSON.window(PARIS, at(1, 12)) == Window(at(2, 9), at(2, 11))
    assert LESSON.window(PARIS, at(2, 10, 59)) == Window(at(2, 9), at(2, 11))
    assert LESSON.window(PARIS, at(2, 11)) == Window(at(9, 9), at(9, 11))
    # summer time begins on 29 March
    assert LESSON.window(PARIS, at(29, 12)) == Window(at(30, 8), at(30, 10))


def test_hours_over_midnight_end_on_the_next_day() -> None:
    night = Schedule(2, time(22), time(2), weekdays=frozenset({6}))
    assert night.window(UTC_ZONE, at(2, 1)) == Window(at(1, 22), at(2, 2))
    assert night.window(UTC_ZONE, at(2, 2)) == Window(at(8, 22), at(9, 2))


def test_an_hour_that_the_clocks_skip_is_the_one_after_and_a_double_one_counts_whole() -> None:
    skipped = Schedule(2, time(2, 30), time(4), on=date(2026, 3, 29))
    assert skipped.window(PARIS, at(28, 0)) == Window(at(29, 1, 30), at(29, 2))
    double = Schedule(2, time(2), time(2, 30), on=date(2026, 10, 25))
    assert double.window(PARIS, at(1, 0)) == Window(at(25, 0, month=10), at(25, 1, 30, month=10))


def test_a_date_that_is_over_has_no_occurrence() -> None:
    once = Schedule(5, time(10), time(12), on=date(2026, 3, 2))
    assert once.window(PARIS, at(2, 10)) == Window(at(2, 9), at(2, 11))
    assert once.window(PARIS, at(2, 11)) is None
    assert due(once, now=at(3, 9)) == Due()


def test_desktops_are_wanted_from_the_warming_on_until_the_end() -> None:
    assert warm_up(30, timedelta(minutes=1), 2) == timedelta(minutes=20, seconds=45)
    assert due(LESSON, now=at(2, 8, 39)) == Due()
    assert due(LESSON, now=at(2, 8, 40)) == Due(30, (LESSON,))
    assert due(LESSON, now=at(2, 10, 59)) == Due(30, (LESSON,))
    assert due(LESSON, now=at(2, 11)) == Due()


def test_a_set_of_so_many_in_all_is_not_refilled_when_people_take_them() -> None:
    pupils = Schedule(30, time(10), time(12), weekdays=MONDAY, in_all=True)
    early, before = at(2, 8, 50), at(2, 7)
    assert due(pupils, now=at(2, 9)).desktops == 30
    assert due(pupils, now=at(2, 9), launches=(before, early, at(2, 9))).desktops == 28
    assert due(pupils, now=at(2, 9, 30), launches=(at(2, 9, 1),) * 31) == Due()


def test_sets_add_up_and_levels_do_not() -> None:
    other = Schedule(20, time(10), time(12), weekdays=MONDAY, in_all=True)
    pupils = Schedule(30, time(10), time(12), weekdays=MONDAY, in_all=True)
    level = Schedule(10, time(8), time(18), weekdays=MONDAY)
    higher = Schedule(12, time(8), time(18), weekdays=MONDAY)
    assert due(pupils, other, level, now=at(2, 9)) == Due(50, (pupils, other))
    assert due(level, higher, now=at(2, 9)) == Due(12, (higher,))
    taken = (at(2, 9),) * 45
    assert due(pupils, other, level, now=at(2, 9, 30), launches=taken) == Due(10, (level,))


@given(
    minutes=st.integers(0, 366 * 24 * 60),
    begins=st.times(),
    ends=st.times(),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
)
def test_the_next_occurrence_of_weekly_hours_is_within_nine_days(
    minutes: int, begins: time, ends: time, weekdays: frozenset[int]
) -> None:
    moment = at(1, 0, month=1) + timedelta(minutes=minutes)
    schedule = Schedule(1, begins, ends, weekdays)
    window = schedule.window(PARIS, moment)
    assert window
    assert window.ends_at > moment
    assert window.begins_at - moment < timedelta(days=9)
    assert timedelta(0) < window.ends_at - window.begins_at <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("text", "days", "shown"),
    [
        ("mon", {0}, "mon"),
        ("Mon, wed", {0, 2}, "mon,wed"),
        ("mon-fri", {0, 1, 2, 3, 4}, "mon-fri"),
        ("sat-mon", {5, 6, 0}, "mon,sat,sun"),
        ("daily", set(range(7)), "daily"),
    ],
)
def test_weekdays_are_read_and_shown(text: str, days: set[int], shown: str) -> None:
    assert parse_weekdays(text) == days
    assert weekdays_text(days) == shown
    assert parse_weekdays(shown) == days


@pytest.mark.parametrize("text", ["", "monday", "mon-", "mon-xyz", "-", "1"])
def test_what_is_no_weekday_is_refused_with_an_example(text: str) -> None:
    with refuses(BadInput, match="such as mon-fri"):
        parse_weekdays(text)


def test_hours_and_days_are_read_or_refused_with_an_example() -> None:
    assert parse_hour("begins", " 8:30 ") == time(8, 30)
    assert parse_day("2026-03-02") == date(2026, 3, 2)
    for text in ("24:00", "10", "10:60", "ten"):
        with refuses(BadInput, match="such as 10:00") as refused:
            parse_hour("begins", text)
        assert refused.value.field == "begins"
    with refuses(BadInput, match="such as 2026-03-02"):
        parse_day("tomorrow")
