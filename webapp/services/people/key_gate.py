"""The way in for API keys: who holds one, and a limit on trying keys that are not good."""

from webapp.ports import Clock, Database
from webapp.services.people.keys import KeyHolder, Keys
from webapp.services.people.sign_in_attempts import SignInAttempts, source_network

#: Wrong keys of an address are counted apart from its failed sign-ins: a script with an old key
#: must not keep the people beside it from signing in. `/` is in no address.
_COUNTED = "key/"


class KeyGate:
    """Lets good keys through, always; wrong ones so often, per address."""

    def __init__(self, db: Database, clock: Clock, keys: Keys) -> None:
        self._attempts = SignInAttempts(db, clock)
        self._keys = keys

    def identify(self, text: str, source_address: str) -> KeyHolder | None:
        """Who holds this key; None for a wrong one.

        A wrong one is written down. Raises TooMany when this address showed too many.
        """
        holder = self._keys.identify(text, source_address)
        if holder is None:
            self._attempts.count_key(_COUNTED + source_network(source_address))
            self._keys.refuse(text, source_address)
        return holder
