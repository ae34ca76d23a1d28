"""How long a sign-in lives; connections that began under it, or under a key, live no longer."""

from datetime import datetime

from webapp.config import Config
from webapp.domain.people.keys import is_good
from webapp.models import Connection, SignIn, Ticket


def is_live(row: SignIn, config: Config, now: datetime) -> bool:
    """Whether this sign-in still counts: not ended, its person not disabled, not timed out."""
    return (
        row.ended_at is None
        and row.person.disabled_at is None
        and now - row.seen_at < config.sign_in_idle
        and now - row.created_at < config.sign_in_longest
    )


def is_held(row: Ticket | Connection, config: Config, now: datetime) -> bool:
    """Whether what this was asked for with still counts: a sign-in, or an API key."""
    if row.key is not None:
        return is_good(row.key.standing, now)
    return row.sign_in is not None and is_live(row.sign_in, config, now)
