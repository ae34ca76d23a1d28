"""Device cookies: a browser sends one at sign-in if a person has signed in with it before.

It grants no access. It only distinguishes this browser from those of strangers that guess the
account's password. Its signature covers the password's hash and the time at which everything that
the person held was last ended, so a change of either invalidates it.
"""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

LIFE = timedelta(days=180)
#: The maximum number of people remembered per browser.
MOST_PEOPLE = 5
#: Longer cookies are ignored.
LONGEST = 1000
_BETWEEN = "~"


@dataclass(frozen=True)
class Owner:
    """The fields of a person that their cookies are signed over."""

    person_id: int
    password_hash: str
    ended_at: datetime | None
    """When everything that the person held was last ended."""


def make_device(key: bytes, owner: Owner, now: datetime) -> str:
    """Returns a device cookie for this owner: person id, device name, creation time, signature."""
    text = f"{owner.person_id}.{secrets.token_hex(8)}.{int(now.timestamp())}"
    return f"{text}.{_sign(key, owner, text)}"


def known_device(key: bytes, owner: Owner, cookie: str, now: datetime) -> str | None:
    """Returns the device that the cookie proves for the owner; None if it proves none."""
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
    """Returns the cookie with one more device, which replaces the same person's older one."""
    others = [one for one in _parts(cookie) if _person_of(one) != _person_of(made)]
    return _BETWEEN.join([made, *others][:MOST_PEOPLE])


def _parts(cookie: str) -> Iterable[str]:
    if len(cookie) > LONGEST or not cookie.isascii():
        return []
    return [one for one in cookie.split(_BETWEEN) if _person_of(one) is not None]


def _person_of(one: str) -> int | None:
    """Returns the person id that a cookie part claims; None if it is malformed."""
    parts = one.split(".")
    is_one = len(parts) == 4 and parts[0].isdigit() and parts[2].isdigit()
    return int(parts[0]) if is_one else None


def _sign(key: bytes, owner: Owner, text: str) -> str:
    ended = owner.ended_at.isoformat() if owner.ended_at else ""
    signed = "\n".join(["winux device", text, owner.password_hash, ended])
    return hmac.new(key, signed.encode(), "sha256").hexdigest()
