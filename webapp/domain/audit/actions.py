"""What audit entries are about: each action's kind of thing, and who acts when no person does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from webapp.domain.errors import BadInput

#: The role of whoever runs commands on the portal's machine.
OPERATOR_ROLE = "operator at the machine"

#: The reason of a refusal that names something that is not there, or not for this person.
NOT_FOUND = "not_found"

#: What an action's subject names, where it is not the action's own noun.
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


#: Repeats of a refusal within this time of the first are one entry. Metrics take entries for
#: settled soon after (services/statistics/tallies.py), so it is shorter than that.
FOLD_WITHIN = timedelta(minutes=5)
#: So many entries of one action and reason has one person or address in that time, each for another
#: thing; more of them are one entry that names none.
MOST_THINGS = 20
#: So many has an action in that time from people unknown, whatever their addresses.
MOST_OF_STRANGERS = 200


@dataclass(frozen=True)
class Refusal:
    """What makes two refusals the same one."""

    person_id: int | None
    key_id: int | None
    source: str | None
    reason: str
    subject: str


@dataclass(frozen=True)
class Folding:
    """How a refusal is written: into the entry of `into`, or as a new one that stands for it."""

    into: int | None
    written_as: Refusal


def decide_folding(refusal: Refusal, recent: Sequence[tuple[int, Refusal]]) -> Folding:
    """Where a refusal goes, given the action's entries within FOLD_WITHIN and their ids."""
    own = [entry for _, entry in recent if _is_same_asker(entry, refusal)]
    strangers = [entry for _, entry in recent if entry.person_id is None]
    written = refusal
    if refusal not in own and len(own) >= MOST_THINGS:
        written = replace(refusal, subject="")
    is_known = any(entry == written for _, entry in recent)
    if refusal.person_id is None and not is_known and len(strangers) >= MOST_OF_STRANGERS:
        written = Refusal(None, None, None, refusal.reason, "")
    found = [number for number, entry in recent if entry == written]
    return Folding(found[-1] if found else None, written)


def _is_same_asker(one: Refusal, other: Refusal) -> bool:
    return replace(one, subject="") == replace(other, subject="")


def subject_kind(action: str, *, is_refused: bool = False) -> str:
    """What kind of thing the subject of an entry with this action names, such as `desktop`."""
    if is_refused and action == "desktop.launch":
        return "template"
    return KINDS.get(action) or action.partition(".")[0]


def parse_moment(field: str, text: str, *, is_end: bool = False) -> datetime | None:
    """A time to search from or to, as `2026-03-02` or `2026-03-02T09:30`.

    It is UTC unless it says a zone. A day as the end holds all of it. None for no text; raises
    BadInput for no time.
    """
    text = text.strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return moment + timedelta(days=1) if is_end and _is_day(text) else moment
    except (ValueError, OverflowError) as error:
        raise BadInput(
            field,
            f"{text[:40]} is no time.",
            what_to_do="Write it as 2026-03-02 or 2026-03-02T09:30.",
        ) from error


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
