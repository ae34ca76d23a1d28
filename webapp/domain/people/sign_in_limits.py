"""How often a sign-in or an API key may fail before the client has to wait.

Failures of the last fifteen minutes count. A browser with a device cookie for the account is
limited by its own failures only, so that other people cannot lock its person out. An unknown
browser is limited per account and address; the limits per address and per account do not apply to
an address from which that person signed in recently.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from webapp.domain.errors import Refused, TooMany

WINDOW = timedelta(minutes=15)
PER_DEVICE = 10
PER_ACCOUNT_AND_ADDRESS = 5
PER_ADDRESS = 30
PER_ACCOUNT = 50
#: How long an address counts as a person's after they sign in there.
KNOWN_FOR = timedelta(days=30)
#: The maximum number of stored attempts, so that many addresses cannot fill the database. One
#: machine cannot check this many passwords within WINDOW.
MOST_ATTEMPTS = 20_000


@dataclass(frozen=True)
class Failures:
    """Times of failed sign-ins within WINDOW, oldest first."""

    of_account_here: list[datetime]
    """By unknown browsers, as in the two lists below."""
    of_address: list[datetime]
    of_account: list[datetime]
    is_known_address: bool
    of_device: list[datetime] = field(default_factory=list)
    is_known_device: bool = False


def decide_sign_in(failures: Failures, now: datetime) -> None:
    """Raises TooMany while one of the limits is reached, with the time to wait."""
    longest = _longest_wait(failures, now)
    if longest > timedelta(0):
        raise TooMany("too_many_sign_ins", retry_after=longest)


def _longest_wait(failures: Failures, now: datetime) -> timedelta:
    if failures.is_known_device:
        return _wait(failures.of_device, PER_DEVICE, now)
    here = _wait(failures.of_account_here, PER_ACCOUNT_AND_ADDRESS, now)
    if failures.is_known_address:
        return here
    return max(
        here,
        _wait(failures.of_address, PER_ADDRESS, now),
        _wait(failures.of_account, PER_ACCOUNT, now),
    )


def decide_key(failures: list[datetime], now: datetime) -> None:
    """Raises TooMany for an address with too many wrong API keys at the times `failures`."""
    wait = _wait(failures, PER_ADDRESS, now)
    if wait > timedelta(0):
        raise TooMany("too_many_keys_tried", retry_after=wait)


def decide_fresh(proved_at: datetime | None, within: timedelta, now: datetime) -> None:
    """Raises Refused if the password was not typed `within` this time, in this sign-in."""
    if proved_at is None or now - proved_at >= within:
        raise Refused("password_needed")


def _wait(times: list[datetime], limit: int, now: datetime) -> timedelta:
    """Returns the time until fewer than `limit` failures are left in the window."""
    if len(times) < limit:
        return timedelta(0)
    return max(times[-limit] + WINDOW - now, timedelta(seconds=1))
