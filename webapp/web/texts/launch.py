"""Texts for a launch card: how many more desktops fit, and whether the template rests."""

from webapp.domain.templates.breaker import CoolingDown
from webapp.http.context import services
from webapp.services.desktops.gate import Gate
from webapp.web import words
from webapp.web.language import _, ngettext


def room_words(gate: Gate, warm: int) -> str:
    """Return how many more fit; empty if unknown."""
    if gate.fits is None:
        return ""
    if gate.fits or warm:
        return ngettext("about %(num)s more fits", "about %(num)s more fit", max(gate.fits, warm))
    if services().config.refuses_when_full:
        return _("no room right now")
    return _("no room right now: a launch waits in the queue")


def cool_down_words(rest: CoolingDown) -> str:
    """Return why a template accepts no launches, and until when."""
    if rest.is_on_trial:
        return _("It failed several times and is being tried again right now.")
    left = rest.until - services().clock.now()
    return _(
        "It failed several times in a row and rests; it can be tried again in %(time)s.",
        time=words.short(left),
    )
