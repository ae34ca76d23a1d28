"""How often a sign-in may fail, or a wrong API key be shown, before it has to wait.

Three counts over the last fifteen minutes. The strict one is per account *and* address, so that a
stranger elsewhere cannot lock anybody out; the one per account alone is waived for addresses from
which that person has signed in before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.domain.errors import TooMany

WINDOW = timedelta(minutes=15)
PER_ACCOUNT_AND_ADDRESS = 5
PER_ADDRESS = 30
PER_ACCOUNT = 50


@dataclass(frozen=True)
class Failures:
    """Times of failed sign-ins within WINDOW, oldest first."""

    of_account_here: list[datetime]
    of_address: list[datetime]
    of_account: list[datetime]
    is_known_address: bool


def decide_sign_in(failures: Failures, now: datetime) -> None:
    """Refuse a sign-in while one of the limits is reached; says how long to wait."""
    waits = [
        _wait(failures.of_account_here, PER_ACCOUNT_AND_ADDRESS, now),
        _wait(failures.of_address, PER_ADDRESS, now),
        timedelta(0) if failures.is_known_address else _wait(failures.of_account, PER_ACCOUNT, now),
    ]
    longest = max(waits)
    if longest > timedelta(0):
        raise TooMany(
            "too_many_sign_ins",
            "Too many failed sign-ins.",
            retry_after=longest,
            what_to_do=f"Try again in {_words(longest)}.",
        )


def decide_key(failures: list[datetime], now: datetime) -> None:
    """Refuse an address that showed too many wrong API keys, whose times these are."""
    wait = _wait(failures, PER_ADDRESS, now)
    if wait > timedelta(0):
        raise TooMany(
            "too_many_keys_tried",
            "Too many wrong API keys came from this address.",
            retry_after=wait,
            what_to_do=f"Show a good one, or try again in {_words(wait)}.",
        )


def _wait(times: list[datetime], limit: int, now: datetime) -> timedelta:
    """Until so many failures have aged out of the window that fewer than `limit` are left."""
    if len(times) < limit:
        return timedelta(0)
    return max(times[-limit] + WINDOW - now, timedelta(seconds=1))


def _words(wait: timedelta) -> str:
    minutes, seconds = divmod(int(wait.total_seconds()), 60)
    return f"{minutes + 1} minutes" if minutes else f"{seconds} seconds"
