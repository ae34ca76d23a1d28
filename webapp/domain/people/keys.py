"""API keys: their format, their scopes, and the checks of a new one."""

import hashlib
import re
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from webapp.domain.errors import BadInput

_ALPHABET = string.ascii_letters + string.digits
PREFIX_LENGTH = 8
#: 40 characters from an alphabet of 62 are 238 bits.
SECRET_LENGTH = 40
_KEY = re.compile(rf"wx_([A-Za-z0-9]{{{PREFIX_LENGTH}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}")
LONGEST_NAME = 64
#: The maximum number of valid keys of one person.
MOST_KEYS = 20


class Scope(StrEnum):
    """What a key may do for its person; each scope includes those before it."""

    READ = "read"
    """See their own things."""
    LAUNCH = "launch"
    """Also make, use, extend and stop their own desktops."""
    ADMIN = "admin"
    """Everything that the person's role allows."""


@dataclass(frozen=True)
class KeyStanding:
    """The facts that decide whether a key is valid: its own times, and its person's."""

    expires_at: datetime | None
    revoked_at: datetime | None
    is_person_suspended: bool


def is_good(standing: KeyStanding, now: datetime) -> bool:
    """Whether the key is valid at this moment."""
    return why_refused(standing, now) is None


def why_refused(standing: KeyStanding, now: datetime) -> str | None:
    """Returns why the key is invalid at this moment; None if it is valid."""
    if standing.is_person_suspended:
        return "suspended"
    if standing.revoked_at is not None:
        return "revoked"
    return "expired" if standing.expires_at is not None and now >= standing.expires_at else None


def make_key() -> str:
    """Returns the text of a new key: `wx_`, the lookup prefix, `_`, and 238 random bits."""
    return f"wx_{_random(PREFIX_LENGTH)}_{_random(SECRET_LENGTH)}"


def prefix_of(text: str) -> str | None:
    """Returns the lookup prefix of a key's text; None if the text is malformed."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def hash_key(text: str) -> str:
    """Returns a key's SHA-256 in hex, for storage. It is random, so no slow hash is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse_key_name(text: str) -> str:
    """Returns a key's name. Raises BadInput if it is empty, too long or not printable."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput("name", "key_name", longest=LONGEST_NAME)
    return name


def parse_scopes(words: Iterable[str]) -> frozenset[Scope]:
    """Parses scopes, at least one. Raises BadInput."""
    chosen = set(words)
    if unknown := chosen - set(Scope):
        raise BadInput("scopes", "unknown_scope", scope=min(unknown)[:32], choices=tuple(Scope))
    if not chosen:
        raise BadInput("scopes", "no_scope", choices=tuple(Scope))
    return frozenset(map(Scope, chosen))


def parse_expiry(expires_at: datetime | None, now: datetime) -> datetime | None:
    """Returns a new key's end; None for never. Raises BadInput for a time in the past."""
    if expires_at is None:
        return None
    if expires_at.tzinfo is None:
        raise BadInput("expires_at", "expiry_zone")
    if expires_at <= now:
        raise BadInput("expires_at", "expiry_past")
    return expires_at


def default_end(life: timedelta, now: datetime) -> datetime | None:
    """Returns the default end of a new key; None for a life of zero."""
    return now + life if life else None


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
