"""Checking a typed password: counted before, few at a time, and slow on purpose."""

from webapp.domain.people import passwords
from webapp.ports import Clock, Database, Hasher
from webapp.services.people.hashing_places import HashingPlaces
from webapp.services.people.sign_in_attempts import SignInAttempts, Try


class PasswordCheck:
    """What signing in and typing one's password again have in common; one in each process."""

    def __init__(self, db: Database, clock: Clock, hasher: Hasher) -> None:
        self.attempts = SignInAttempts(db, clock)
        self._hasher = hasher
        self._places = HashingPlaces()

    def try_password(self, wanted: Try, password: str) -> int | None:
        """The attempt's row when the password is right, to be forgiven; None: it stays a failure.

        The try counts before the password is checked, so of many at once none is beyond the limit.
        Raises TooMany when a limit is reached, or too many passwords are being checked.
        """
        person = wanted.person
        self.attempts.check(wanted)
        with self._places.take():
            attempt = self.attempts.count(wanted)
            is_right = self._hasher.is_right(
                person.password_hash if person else None, passwords.same_password(password)
            )
        is_in = person is not None and is_right and person.disabled_at is None
        return attempt if is_in else None

    def hash(self, password: str) -> str:
        """What is stored of a new password. Raises BadInput for one that is not accepted."""
        parsed = passwords.parse_password(password)
        with self._places.take():
            return self._hasher.hash(parsed)
