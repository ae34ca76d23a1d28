"""The subjects of audit entries, the folding of repeated refusals, and the range of a search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from webapp.domain.errors import BadInput

#: The role of a person who runs commands on the portal's machine.
OPERATOR_ROLE = "operator at the machine"

#: The refusal reason when the subject does not exist or this person may not see it.
NOT_FOUND = "not_found"

#: The kind of an action's subject, where it differs from the noun in the action's name.
KINDS = {
    "sign_in": "person",
    "sign_out": "person",
    "sign_in.end": "person",
    "sign_in.confirm": "person",
    "key.add": "person",
    "key.revoke": "person",
    "key.use": "person",
    "connection.ticket": "desktop",
    "connection.open": "desktop",
    "connection.end": "desktop",
    "connection.cut": "desktop",
    "pool.set": "template",
    "pool.schedule": "template",
    "pool.unschedule": "template",
    "pool.drain": "desktop",
    "reservation.free": "desktop",
    "container.destroy": "desktop",
}


#: Former names of actions, which filters still accept, and their new names.
FORMER = {
    "person.disable": "person.suspend",
    "person.enable": "person.restore",
    "desktop.asleep": "desktop.found_shut_down",
    "desktop.awake": "desktop.found_started",
}
#: Repeats of a refusal within this time of the first are folded into one entry. It is shorter than
#: the delay after which metrics treat entries as settled (services/statistics/tallies.py).
FOLD_WITHIN = timedelta(minutes=5)
#: The maximum number of entries with one action and reason for one person or address within
#: FOLD_WITHIN, each about a different subject. Further ones share one entry without a subject.
MOST_THINGS = 20
#: The maximum number of entries of one action from unknown people within FOLD_WITHIN, over all
#: addresses.
MOST_ANONYMOUS = 200


@dataclass(frozen=True)
class Refusal:
    """The fields that identify a refusal; two refusals with equal fields are folded together."""

    person_id: int | None
    key_id: int | None
    source: str | None
    reason: str
    subject: str


@dataclass(frozen=True)
class Folding:
    """How a refusal is written: folded into the entry `into`, or as a new entry if that is None."""

    into: int | None
    written_as: Refusal


def decide_folding(refusal: Refusal, recent: Sequence[tuple[int, Refusal]]) -> Folding:
    """Decides where a refusal goes, from the action's entries (id and refusal) in FOLD_WITHIN."""
    own = [entry for _, entry in recent if _is_same_asker(entry, refusal)]
    anonymous = [entry for _, entry in recent if entry.person_id is None]
    written = refusal
    if refusal not in own and len(own) >= MOST_THINGS:
        written = replace(refusal, subject="")
    is_known = any(entry == written for _, entry in recent)
    if refusal.person_id is None and not is_known and len(anonymous) >= MOST_ANONYMOUS:
        written = Refusal(None, None, None, refusal.reason, "")
    found = [number for number, entry in recent if entry == written]
    return Folding(found[-1] if found else None, written)


def _is_same_asker(one: Refusal, other: Refusal) -> bool:
    return replace(one, subject="") == replace(other, subject="")


def subject_kind(action: str, *, is_refused: bool = False) -> str:
    """Returns the kind of thing that the subject of an entry with this action names: `desktop`."""
    if is_refused and action == "desktop.launch":
        return "template"
    return KINDS.get(action) or action.partition(".")[0]


def parse_moment(field: str, text: str, *, is_end: bool = False) -> datetime | None:
    """Parses the start or the end of a search, such as `2026-03-02` or `2026-03-02T09:30`.

    The time is UTC unless it names a zone. A date as the end includes the whole day. Returns None
    for an empty text; raises BadInput if the text is not a time.
    """
    text = text.strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return moment + timedelta(days=1) if is_end and _is_day(text) else moment
    except (ValueError, OverflowError) as error:
        raise BadInput(field, "time", text=text[:40]) from error


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
