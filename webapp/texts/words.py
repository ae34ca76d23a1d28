"""Parameters of sentences as words: durations, states, lists, and text of untrusted origin."""

from datetime import timedelta
from gettext import NullTranslations

from webapp.domain.errors import Parameter
from webapp.domain.plain_text import plain_line
from webapp.texts.marks import _

#: The states of a desktop, as `desktop-a1b2c3d4 is %(state)s`.
STATES = {
    "queued": _("queued"),
    "building": _("building"),
    "warm": _("warm"),
    "assigning": _("assigning"),
    "ready": _("ready"),
    "pausing": _("pausing"),
    "paused": _("paused"),
    "resuming": _("resuming"),
    "failed": _("failed"),
    "stopping": _("stopping"),
    "ended": _("ended"),
}
LONGEST = 500


def shown(name: str, value: Parameter, language: NullTranslations) -> str | int:
    """Returns the parameter `name` as it stands in a sentence."""
    if isinstance(value, timedelta):
        return duration(value, language)
    if isinstance(value, tuple):
        return plain_line(", ".join(value), LONGEST)
    if isinstance(value, int):
        return value
    if name == "state" and value in STATES:
        return language.gettext(STATES[value])
    return plain_line(value, LONGEST)


def duration(time: timedelta, language: NullTranslations) -> str:
    """Returns a time to wait, rounded up: `45 s`, `3 min`."""
    seconds = max(1, -(-time // timedelta(seconds=1)))
    if seconds < 60:
        return language.gettext(_("%(seconds)s s")) % {"seconds": seconds}
    return language.gettext(_("%(minutes)s min")) % {"minutes": -(-seconds // 60)}


def age(time: timedelta, language: NullTranslations) -> str:
    """Returns how old something is, rounded down: `5 min`, `2 h 5 min`."""
    hours, minutes = divmod(max(0, time // timedelta(minutes=1)), 60)
    if hours:
        text = language.gettext(_("%(hours)s h %(minutes)s min"))
        return text % {"hours": hours, "minutes": minutes}
    return language.gettext(_("%(minutes)s min")) % {"minutes": minutes}
