"""What audit entries are about: each action's kind of thing, and who acts when no person does."""

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
