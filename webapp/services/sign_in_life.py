"""How long a sign-in lives; connections that began under it live no longer."""

from datetime import datetime

from webapp.config import Config
from webapp.models import SignIn


def is_live(row: SignIn, config: Config, now: datetime) -> bool:
    """Whether this sign-in still counts: not ended, its person not disabled, not timed out."""
    return (
        row.ended_at is None
        and row.person.disabled_at is None
        and now - row.seen_at < config.sign_in_idle
        and now - row.created_at < config.sign_in_longest
    )
