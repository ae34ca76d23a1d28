"""Readable times, durations and sizes; some are template filters."""

from datetime import datetime, timedelta

from flask import Flask
from flask_babel import format_datetime, format_timedelta

from webapp.http.context import services
from webapp.web.language import _, ngettext


def init_words(app: Flask) -> None:
    """Register the filters."""
    for word in (iso, ago, exactly, hour, day):
        app.add_template_filter(word)


def iso(at: datetime) -> str:
    """Return the time for `<time datetime>` and the scripts: UTC with a Z."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def exactly(at: datetime) -> str:
    """Return date and time; scripts convert them to the person's time zone."""
    return _("%(time)s UTC", time=format_datetime(at, "d MMM y, HH:mm:ss"))


def hour(at: datetime) -> str:
    """Return hour and minute; scripts convert them to the person's time zone."""
    return _("%(time)s UTC", time=format_datetime(at, "HH:mm"))


def day(at: datetime) -> str:
    """Return day, hour and minute; scripts convert them to the person's time zone."""
    return _("%(time)s UTC", time=format_datetime(at, "EEE d MMM, HH:mm"))


def ago(at: datetime) -> str:
    """Return how long ago the time was."""
    passed = services().clock.now() - at
    if passed < timedelta(minutes=1):
        return _("just now")
    return str(format_timedelta(-passed, granularity="second", threshold=1, add_direction=True))


def clock_face(left: timedelta) -> str:
    """Return the time left as on a clock, such as 4:07 or 1:02:30; never below zero."""
    seconds = max(0, int(left.total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def short(time: timedelta) -> str:
    """Return a duration in at most two units, such as 7 s, 4 min 10 s or 2 h 5 min."""
    seconds = max(0, round(time.total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return _("%(h)s h %(m)s min", h=hours, m=minutes) if minutes else _("%(h)s h", h=hours)
    if minutes:
        return _("%(m)s min %(s)s s", m=minutes, s=seconds) if seconds else minutes_words(minutes)
    return _("%(s)s s", s=seconds)


def precise(time: timedelta) -> str:
    """Return a measured duration, with tenths below ten seconds."""
    seconds = max(0.0, time.total_seconds())
    return _("%(s)s s", s=f"{seconds:.1f}") if seconds < 10 else short(time)


def minutes_words(minutes: int) -> str:
    """Return whole minutes as text, such as 30 min or 2 h."""
    if minutes >= 60 and minutes % 60 == 0:
        return _("%(h)s h", h=minutes // 60)
    return _("%(m)s min", m=minutes)


def memory(megabytes: int) -> str:
    """Return a size of memory in GB or MB."""
    if megabytes % 1024 == 0:
        return _("%(gb)s GB", gb=megabytes // 1024)
    return _("%(mb)s MB", mb=megabytes)


def cores(count: int) -> str:
    return ngettext("%(num)s core", "%(num)s cores", count)


def disk(gigabytes: int) -> str:
    return _("%(gb)s GB", gb=gigabytes)


def data_size(count: int) -> str:
    """Return a number of bytes in a readable unit, such as 640 kB or 12.4 MB."""
    if count < 1_000_000:
        return _("%(kb)s kB", kb=round(count / 1_000))
    if count < 1_000_000_000:
        return _("%(mb)s MB", mb=f"{count / 1e6:.1f}")
    return _("%(gb)s GB", gb=f"{count / 1e9:.1f}")
