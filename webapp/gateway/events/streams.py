"""The event streams of one gateway process: admits, updates and dismisses listeners."""

import asyncio
import logging
import re
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from webapp.domain.connections.desktop_events import Mark, parse_mark
from webapp.domain.errors import OutsideFailed, TooMany
from webapp.domain.sources import source_address
from webapp.domain.states import State
from webapp.gateway.connection.port_sniffer import PortSniffer
from webapp.gateway.events.database import Events
from webapp.gateway.events.http_exchange import Exchange, Request
from webapp.gateway.events.problem import Problem
from webapp.gateway.events.stream import HEADERS, Listener
from webapp.services.connections.event_feed import Proof, Subscription
from webapp.texts.sentences import message, what_to_do

_ONE = re.compile(r"/api/v1/sessions/([^/]{1,64})/events")
_ALL = "/api/v1/events"
MOST_OF_A_PERSON = 20
"""Streams that a person may have open at once, in one process."""

log = logging.getLogger("winux.gateway")


@dataclass(frozen=True)
class Rules:
    """The limits and addresses by which the process admits listeners."""

    public_url: str
    """Scheme and host; also the origin of the portal's pages."""
    max_listeners: int
    trusted_proxies: int


class Listeners:
    """The `RequestHandler` of the exchanges; the caller calls `look` every second."""

    def __init__(self, rules: Rules, events: Events) -> None:
        self._rules = rules
        self._events = events
        self._exchanges: dict[Exchange, Listener | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    @property
    def count(self) -> int:
        """The number of open streams."""
        return len(self._listeners())

    # -- one request ----------------------------------------------------------------------------

    def make_exchange(self, sniffer: PortSniffer) -> Exchange:
        """Return the protocol for a connection whose first request is for the API."""
        exchange = Exchange(self, sniffer)
        self._exchanges[exchange] = None
        return exchange

    def on_request(self, exchange: Exchange, request: Request) -> None:
        exchange.sniffer.comes_from(self._address(request))
        self._start(self._attend(exchange, request))

    def on_close(self, exchange: Exchange) -> None:
        self._exchanges.pop(exchange, None)

    async def _attend(self, exchange: Exchange, request: Request) -> None:
        """Start the stream or refuse the request."""
        cors = self._cross_origin(request)
        try:
            subscription, resumed = self._subscription_path(request)
            self._check_room()
            proof = await self._identify(request)
            await self._let_in(exchange, Subscription(proof, subscription), resumed, cors)
        except Problem as problem:
            self._refuse(exchange, problem, cors)
        except TooMany as error:
            wait = str(int(error.retry_after.total_seconds()) + 1)
            headers = {"retry-after": wait}
            often = Problem("too-many", message(error), what_to_do(error), headers)
            self._refuse(exchange, often, cors)
        except OutsideFailed as error:
            log.warning("Database unavailable: %s", error.message)
            self._refuse(exchange, _busy("A service that this needs does not respond."), cors)

    async def _let_in(
        self,
        exchange: Exchange,
        subscription: Subscription,
        resumed: Mark | None,
        cors: dict[str, str],
    ) -> None:
        sights = await self._events.look([subscription], is_first=True)
        seen = sights.of(subscription)
        if not sights.holds(subscription.proof):
            raise _unknown()
        if subscription.public_id is not None and not seen:
            raise Problem("not-found", "There is no such session.")
        self._check_share(subscription.proof)
        self._check_room()
        if exchange not in self._exchanges:
            return  # the client left in the meantime
        if resumed and resumed.state is State.ENDED:
            exchange.answer(204, cors)  # stops EventSource, which reconnects after every other end
            return
        exchange.begin(200, {**HEADERS, **cors})
        exchange.sniffer.admit()
        listener = Listener(exchange, subscription)
        self._exchanges[exchange] = listener
        if not listener.begin(seen, resumed, asyncio.get_running_loop().time()):
            exchange.end()

    def _subscription_path(self, request: Request) -> tuple[str | None, Mark | None]:
        """Return the requested session (None for all) and the position to resume from."""
        found = _ONE.fullmatch(request.path)
        if found is None and request.path != _ALL:
            raise Problem("not-found", "There is nothing here but events.")
        if request.method != "GET":
            raise Problem(
                "method-not-allowed", "Events are read with GET.", headers={"allow": "GET"}
            )
        if found is None:
            return None, None
        mark = parse_mark(request.headers.get("last-event-id", ""))
        return found[1], mark if mark and mark.public_id == found[1] else None

    async def _identify(self, request: Request) -> Proof:
        headers = request.headers
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
        if key:
            proof = await self._events.by_key(key, self._address(request))
        elif "cookie" in headers and is_own_page(request, self._rules.public_url):
            proof = await self._events.by_cookie(headers["cookie"])
        else:
            proof = None
        if proof is None:
            raise _unknown()
        return proof

    def _address(self, request: Request) -> str:
        forwarded = request.headers.get("x-forwarded-for", "")
        return source_address(request.peer, forwarded, self._rules.trusted_proxies)

    def _refuse(self, exchange: Exchange, problem: Problem, cors: dict[str, str]) -> None:
        body = problem.body(self._rules.public_url)
        exchange.answer(problem.status, {**problem.headers, **cors}, body)

    def _check_room(self) -> None:
        if self.count >= self._rules.max_listeners or self._is_stopping:
            raise _busy("This gateway is full.")

    def _check_share(self, proof: Proof) -> None:
        theirs = [
            one for one in self._listeners() if one.subscription.proof.person_id == proof.person_id
        ]
        if len(theirs) >= MOST_OF_A_PERSON:
            raise Problem(
                "too-many",
                f"{MOST_OF_A_PERSON} streams of yours are open.",
                f"Close one first, or follow all of your sessions in one: {_ALL}",
                {"retry-after": "10"},
            )

    def _cross_origin(self, request: Request) -> dict[str, str]:
        """Return the CORS headers with which the portal's pages may read from another port."""
        if request.headers.get("origin") != self._rules.public_url:
            return {}
        return {
            "access-control-allow-origin": self._rules.public_url,
            "access-control-allow-credentials": "true",
            "vary": "Origin",
        }

    # -- all listeners --------------------------------------------------------------------------

    async def look(self) -> None:
        """Send all listeners what has changed, with one database read. Raises OutsideFailed."""
        listeners = self._listeners()
        if not listeners:
            return
        sights = await self._events.look({one.subscription for one in listeners})
        now = asyncio.get_running_loop().time()
        for one in listeners:
            if one.exchange not in self._exchanges:
                continue
            seen = sights.of(one.subscription)
            if not sights.holds(one.subscription.proof):
                self._dismiss(one, "key" if one.subscription.proof.key_id else "sign_in")
            elif one.subscription.public_id is not None and not seen:
                self._dismiss(one, "not_found")
            elif one.tell(seen, now):
                one.keep_alive(now)
            else:
                self.on_close(one.exchange)
                one.exchange.end()

    def dismiss_all(self, reason: str) -> None:
        """End all streams: their rights cannot be checked any more, or the process stops."""
        for one in self._listeners():
            self._dismiss(one, reason)

    async def close(self) -> None:
        """Refuse new listeners and end all streams."""
        self._is_stopping = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.dismiss_all("restart")
        for exchange in list(self._exchanges):
            exchange.drop()

    # -- parts ----------------------------------------------------------------------------------

    def _listeners(self) -> list[Listener]:
        return [one for one in self._exchanges.values() if one]

    def _dismiss(self, one: Listener, reason: str) -> None:
        self.on_close(one.exchange)
        one.dismiss(reason)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(_finish, self._tasks))


def is_own_page(request: Request, public_origin: str) -> bool:
    """Whether the request comes from a page of the portal; other sites' requests carry cookies too.

    Browsers send `Origin` only to another host or port. Otherwise `Sec-Fetch-Site` decides, or over
    plain HTTP, where browsers omit that too, the `Referer`.
    """
    headers = request.headers
    if "origin" in headers:
        return headers["origin"] == public_origin
    if "sec-fetch-site" in headers:
        return headers["sec-fetch-site"] == "same-origin"
    page = urlsplit(headers.get("referer", ""))
    return f"{page.scheme}://{page.netloc}" == public_origin


def _finish(tasks: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    tasks.discard(task)
    if not task.cancelled() and (error := task.exception()):
        log.error("Event stream request failed", exc_info=error)


def _unknown() -> Problem:
    return Problem(
        "unauthorized",
        "The request shows no good key and nobody who is signed in.",
        "Send an API key as X-API-Key or as Authorization: Bearer.",
        {"www-authenticate": "Bearer"},
    )


def _busy(detail: str) -> Problem:
    return Problem("unavailable", detail, "Try again in a moment.", {"retry-after": "10"})
