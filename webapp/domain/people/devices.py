"""Device cookies: a browser in which a person has signed in shows one at the next sign-in.

It opens nothing. It only tells this browser from those of strangers who guess at the account. It is
signed over what ends with a new password or with all that the person holds, so it ends with them.
"""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

LIFE = timedelta(days=180)
#: So many people of one browser are remembered.
MOST_PEOPLE = 5
#: Longer cookies are not looked at.
LONGEST = 1000
_BETWEEN = "~"


@dataclass(frozen=True)
class Owner:
    """Of a person, what their cookies are signed over."""

    person_id: int
    password_hash: str
    ended_at: datetime | None
    """When all that they held ended last."""


def make_device(key: bytes, owner: Owner, now: datetime) -> str:
    """A device cookie for this owner: whose, which, since when, and the signature."""
    text = f"{owner.person_id}.{secrets.token_hex(8)}.{int(now.timestamp())}"
    return f"{text}.{_sign(key, owner, text)}"


def known_device(key: bytes, owner: Owner, cookie: str, now: datetime) -> str | None:
    """The name of the device that this cookie proves for the owner; None: it is unknown."""
    for one in _parts(cookie):
        text, _, signature = one.rpartition(".")
        if _person_of(one) != owner.person_id:
            continue
        if hmac.compare_digest(signature.encode(), _sign(key, owner, text).encode()):
            _, device, made = text.split(".")
            is_live = int(made) > (now - LIFE).timestamp()
            return device if is_live else None
    return None


def add_device(cookie: str, made: str) -> str:
    """The browser's cookie with one more device in it, in place of the same person's older one."""
    others = [one for one in _parts(cookie) if _person_of(one) != _person_of(made)]
    return _BETWEEN.join([made, *others][:MOST_PEOPLE])


def _parts(cookie: str) -> Iterable[str]:
    if len(cookie) > LONGEST or not cookie.isascii():
        return []
    return [one for one in cookie.split(_BETWEEN) if _person_of(one) is not None]


def _person_of(one: str) -> int | None:
    """Whose it says it is; None for what no device cookie looks like."""
    parts = one.split(".")
    is_one = len(parts) == 4 and parts[0].isdigit() and parts[2].isdigit()
    return int(parts[0]) if is_one else None


def _sign(key: bytes, owner: Owner, text: str) -> str:
    ended = owner.ended_at.isoformat() if owner.ended_at else ""
    signed = "\n".join(["winux device", text, owner.password_hash, ended])
    return hmac.new(key, signed.encode(), "sha256").hexdigest()
