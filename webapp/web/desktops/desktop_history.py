"""The history of a desktop as texts, from the audit log."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from webapp.models import AuditEntry
from webapp.web.language import _, lazy_gettext
from webapp.web.texts.refusals import detail_of

#: The icon and the text of each action.
ACTIONS = {
    "desktop.launch": ("rocket", lazy_gettext("Launched")),
    "desktop.warm": ("check", lazy_gettext("Ready in the pool")),
    "desktop.ready": ("check", lazy_gettext("Ready")),
    "desktop.extend": ("plus-clock", lazy_gettext("Extended")),
    "desktop.pause": ("pause", lazy_gettext("Pause requested")),
    "desktop.paused": ("pause", lazy_gettext("Paused, files kept")),
    "desktop.found_shut_down": ("pause", lazy_gettext("Was shut down, so it is paused")),
    "desktop.resume": ("play", lazy_gettext("Resume requested")),
    "desktop.resumed": ("check", lazy_gettext("Ready again")),
    "desktop.found_started": ("play", lazy_gettext("Was started outside Winux")),
    "desktop.resume_failed": ("alert", lazy_gettext("Could not be resumed; paused again")),
    "desktop.stop": ("square", lazy_gettext("Stop requested")),
    "desktop.expire": ("clock", lazy_gettext("Time was up")),
    "desktop.assign_failed": ("alert", lazy_gettext("Could not be made")),
    "desktop.build_failed": ("alert", lazy_gettext("Could not be made")),
    "pool.drain": ("again", lazy_gettext("Taken out of the pool")),
    "desktop.lost": ("alert", lazy_gettext("Container was found missing")),
    "desktop.moved": ("network", lazy_gettext("Moved to another node")),
    "desktop.adopt": ("desktop", lazy_gettext("Adopted (it was created by hand)")),
    "desktop.adopt_failed": ("alert", lazy_gettext("Could not be adopted")),
    "desktop.end_on_close": ("info", lazy_gettext("Changed whether closing the page ends it")),
    "connection.open": ("popout", lazy_gettext("Connected in the browser")),
    "connection.end": ("popout", lazy_gettext("Connection in the browser ended")),
    "connection.cut": ("cross-circle", lazy_gettext("Connection in the browser cut")),
    "reservation.free": ("info", lazy_gettext("Leftover reservations freed")),
    "container.destroy": ("alert", lazy_gettext("Leftover container destroyed")),
    "desktop.end": ("square", lazy_gettext("Ended, everything erased")),
    "desktop.reveal_password": ("eye", lazy_gettext("Password shown")),
}


@dataclass(frozen=True)
class HistoryEntry:
    """One line of a desktop's activity."""

    icon: str
    words: str
    at: datetime


def activity_of(
    entries: Iterable[tuple[AuditEntry, str | None]], owner_id: int | None, *, shows_names: bool
) -> list[HistoryEntry]:
    """Return the entries as lines; the owner does not see who of the site's people acted."""
    return [_act(entry, name, owner_id, shows_names) for entry, name in entries]


def _act(
    entry: AuditEntry, name: str | None, owner_id: int | None, shows_names: bool
) -> HistoryEntry:
    icon, words = ACTIONS.get(entry.action, ("info", entry.action))
    line = _("Refused: %(why)s", why=detail_of(entry)) if entry.is_refused else str(words)
    return HistoryEntry(
        icon,
        f"{line} · {who}" if (who := _who(entry, name, owner_id, shows_names)) else line,
        entry.at,
    )


def _who(entry: AuditEntry, name: str | None, owner_id: int | None, shows_names: bool) -> str:
    if entry.person_id is None:
        return ""
    if shows_names:
        return name or ""
    return _("you") if entry.person_id == owner_id else _("an administrator")
