"""Times, durations and sizes in people's words; the filters that templates use."""

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
    """For `<time datetime>` and the scripts: UTC with a Z."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def exactly(at: datetime) -> str:
    """The full time; scripts put it into the person's zone."""
    return _("%(time)s UTC", time=format_datetime(at, "d MMM y, HH:mm:ss"))


def hour(at: datetime) -> str:
    """Hour and minute; scripts put them into the person's zone."""
    return _("%(time)s UTC", time=format_datetime(at, "HH:mm"))


def day(at: datetime) -> str:
    """Day, hour and minute; scripts put them into the person's zone."""
    return _("%(time)s UTC", time=format_datetime(at, "EEE d MMM, HH:mm"))


def ago(at: datetime) -> str:
    """How long ago something was."""
    passed = services().clock.now() - at
    if passed < timedelta(minutes=1):
        return _("just now")
    return str(format_timedelta(-passed, granularity="second", threshold=1, add_direction=True))


def clock_face(left: timedelta) -> str:
    """Time left as on a clock: 4:07, 1:02:30; never below zero."""
    seconds = max(0, int(left.total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def short(time: timedelta) -> str:
    """A duration in at most two units: 7 s, 4 min 10 s, 2 h 5 min."""
    seconds = max(0, round(time.total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return _("%(h)s h %(m)s min", h=hours, m=minutes) if minutes else _("%(h)s h", h=hours)
    if minutes:
        return _("%(m)s min %(s)s s", m=minutes, s=seconds) if seconds else minutes_words(minutes)
    return _("%(s)s s", s=seconds)


def precise(time: timedelta) -> str:
    """A measured duration: with tenths below ten seconds."""
    seconds = max(0.0, time.total_seconds())
    return _("%(s)s s", s=f"{seconds:.1f}") if seconds < 10 else short(time)


def minutes_words(minutes: int) -> str:
    """Minutes as people say them: 30 min, 2 h."""
    if minutes >= 60 and minutes % 60 == 0:
        return _("%(h)s h", h=minutes // 60)
    return _("%(m)s min", m=minutes)


def memory(megabytes: int) -> str:
    """Memory in the unit that reads best."""
    if megabytes % 1024 == 0:
        return _("%(gb)s GB", gb=megabytes // 1024)
    return _("%(mb)s MB", mb=megabytes)


def cores(count: int) -> str:
    return ngettext("%(num)s core", "%(num)s cores", count)


def disk(gigabytes: int) -> str:
    return _("%(gb)s GB", gb=gigabytes)


def data_size(count: int) -> str:
    """Bytes in the unit that reads best: 640 kB, 12.4 MB."""
    if count < 1_000_000:
        return _("%(kb)s kB", kb=round(count / 1_000))
    if count < 1_000_000_000:
        return _("%(mb)s MB", mb=f"{count / 1e6:.1f}")
    return _("%(gb)s GB", gb=f"{count / 1e9:.1f}")
