"""The event streams' access to the database: authenticates listeners and reads their desktops."""

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol, TypeVar

from webapp.adapters.sign_in_cookie import SignInCookie
from webapp.services.connections.event_feed import DesktopSnapshots, EventFeed, Proof, Subscription
from webapp.services.people.accounts import Accounts
from webapp.services.people.key_gate import KeyGate

T = TypeVar("T")


class InThread(Protocol):
    """Runs a blocking call outside the event loop."""

    def __call__(self, call: Callable[[], T]) -> Awaitable[T]: ...


class Events(Protocol):
    """What listeners need. No method blocks the event loop; all may raise OutsideFailed."""

    async def by_key(self, text: str, source_address: str) -> Proof | None:
        """Return the holder of an API key. Raises TooMany after too many wrong keys."""

    async def by_cookie(self, header: str) -> Proof | None:
        """Return the person signed in with this `Cookie` header."""

    async def look(
        self, subscriptions: Collection[Subscription], *, is_first: bool = False
    ) -> DesktopSnapshots:
        """Return what the listeners with these subscriptions may see now."""


class EventDatabase:
    """Implements `Events` with the services."""

    def __init__(
        self,
        feed: EventFeed,
        keys: KeyGate,
        accounts: Accounts,
        cookie: SignInCookie,
        in_thread: InThread,
    ) -> None:
        self._feed = feed
        self._keys = keys
        self._accounts = accounts
        self._cookie = cookie
        self._in_thread = in_thread

    async def by_key(self, text: str, source_address: str) -> Proof | None:
        holder = await self._in_thread(lambda: self._keys.identify(text, source_address))
        return Proof(holder.person_id, key_id=holder.key_id) if holder else None

    async def by_cookie(self, header: str) -> Proof | None:
        token = self._cookie.token(header)
        if token is None:
            return None
        person = await self._in_thread(lambda: self._accounts.signed_in(token))
        return Proof(person.person_id, sign_in_id=person.sign_in_id) if person else None

    async def look(
        self, subscriptions: Collection[Subscription], *, is_first: bool = False
    ) -> DesktopSnapshots:
        return await self._in_thread(lambda: self._feed.look(subscriptions, is_first=is_first))
