"""Validity of sign-ins. Connections opened with a sign-in or a key end with it."""

from datetime import datetime

from webapp.config import Config
from webapp.domain.people.keys import is_good
from webapp.models import Connection, SignIn


def is_live(row: SignIn, config: Config, now: datetime) -> bool:
    """Whether this sign-in is valid: not ended, not expired, and its person not suspended."""
    return (
        row.ended_at is None
        and row.person.suspended_at is None
        and now - row.seen_at < config.sign_in_idle
        and now - row.created_at < config.sign_in_longest
    )


def is_held(row: Connection, config: Config, now: datetime) -> bool:
    """Whether the sign-in or API key with which this was requested is still valid."""
    if row.key is not None:
        return is_good(row.key.standing, now)
    return row.sign_in is not None and is_live(row.sign_in, config, now)
