"""The way in for API keys: who holds one, and a limit on trying keys that are not good."""

from sqlalchemy import delete, select

from webapp.domain import sign_in_limits
from webapp.models import SignInAttempt
from webapp.ports import Clock, Database
from webapp.services.accounts import source_network
from webapp.services.keys import KeyHolder, Keys

#: Wrong keys of an address are counted apart from its failed sign-ins: a script with an old key
#: must not keep the people beside it from signing in. `/` is in no address.
_COUNTED = "key/"


class KeyGate:
    """Lets good keys through, always; wrong ones so often, per address."""

    def __init__(self, db: Database, clock: Clock, keys: Keys) -> None:
        self._db = db
        self._clock = clock
        self._keys = keys

    def identify(self, text: str, source_address: str) -> KeyHolder | None:
        """Who holds this key; None for a wrong one.

        A wrong one is written down. Raises TooMany when this address showed too many.
        """
        holder = self._keys.identify(text, source_address)
        if holder is None:
            self._count(_COUNTED + source_network(source_address))
            self._keys.refuse(text, source_address)
        return holder

    def _count(self, source: str) -> None:
        now = self._clock.now()
        since = now - sign_in_limits.WINDOW
        recent = select(SignInAttempt.at).where(
            SignInAttempt.source == source, SignInAttempt.at > since
        )
        with self._db.read() as session:
            times = list(session.scalars(recent.order_by(SignInAttempt.at)))
        sign_in_limits.decide_key(times, now)
        with self._db.begin() as session:
            session.execute(
                delete(SignInAttempt).where(
                    SignInAttempt.source == source, SignInAttempt.at <= since
                )
            )
            session.add(SignInAttempt(at=now, name="", source=source[:45]))
