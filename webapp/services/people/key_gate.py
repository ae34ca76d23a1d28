"""Authenticates API keys, with a limit on invalid ones."""

from webapp.ports import Clock, Database
from webapp.services.people.keys import KeyHolder, Keys
from webapp.services.people.sign_in_attempts import SignInAttempts, source_network

#: Invalid keys of an address are counted separately from its failed sign-ins: a script with an old
#: key must not block sign-ins from the same address. No address begins with `key/`.
_COUNTED = "key/"


class KeyGate:
    """Always accepts valid keys; limits invalid ones per address."""

    def __init__(self, db: Database, clock: Clock, keys: Keys) -> None:
        self._attempts = SignInAttempts(db, clock)
        self._keys = keys

    def identify(self, text: str, source_address: str) -> KeyHolder | None:
        """Returns the holder of this key; None if it is invalid.

        An invalid key is recorded. Raises TooMany if this address sent too many.
        """
        holder = self._keys.identify(text, source_address)
        if holder is None:
            self._attempts.count_key(_COUNTED + source_network(source_address))
            self._keys.refuse(text, source_address)
        return holder
