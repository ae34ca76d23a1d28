"""Checks typed passwords: counted before the check, few at a time, and slow on purpose."""

from webapp.domain.people import passwords
from webapp.ports import Clock, Database, Hasher
from webapp.services.people.hashing_places import HashingPlaces
from webapp.services.people.sign_in_attempts import SignInAttempts, Try


class PasswordCheck:
    """Shared by signing in and confirming one's password; one instance per process."""

    def __init__(self, db: Database, clock: Clock, hasher: Hasher) -> None:
        self.attempts = SignInAttempts(db, clock)
        self._hasher = hasher
        self._places = HashingPlaces()

    def try_password(self, wanted: Try, password: str) -> int | None:
        """Returns the id of the attempt's row if the password is right, for `forgive`, else None.

        The attempt is counted before the password is checked, so simultaneous attempts cannot
        exceed the limit. Raises TooMany at a limit, or if too many passwords are being checked.
        """
        person = wanted.person
        self.attempts.check(wanted)
        with self._places.take():
            attempt = self.attempts.count(wanted)
            is_right = self._hasher.is_right(
                person.password_hash if person else None, passwords.same_password(password)
            )
        is_in = person is not None and is_right and person.suspended_at is None
        return attempt if is_in else None

    def hash(self, password: str) -> str:
        """Returns the hash of a new password. Raises BadInput if it is not acceptable."""
        parsed = passwords.parse_password(password)
        with self._places.take():
            return self._hasher.hash(parsed)
