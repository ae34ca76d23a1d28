"""The running Winux under attack: operations of attackers and bystanders."""

import secrets
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.inside import Inside, inside_of
from setup.page_client import PageClient, ReadyDesktop
from setup.portal import Portal
from setup.settings import Settings
from tests.attack.client import Answer, Client
from tests.attack.promise import Broken

LOOK_TIMEOUT_S = 120


@dataclass
class Looks:
    """A bystander's response times in seconds; a missing response counts in full."""

    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def longest(self) -> float:
        return max(self.seconds)


@dataclass
class Target:
    """A running lab node, worker, gateway and web server, and their people."""

    settings: Settings
    portal: Portal
    bridge: str
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.settings.url

    @property
    def host(self) -> str:
        return self.settings.listen

    @property
    def gateway_url(self) -> str:
        return f"http://{self.host}:{self.settings.gateway_port}"

    def person(self, name: str, *, is_admin: bool = False) -> str:
        """Create the account on first use; return its password."""
        if name not in self.passwords:
            self.passwords[name] = self.portal.make_person(name, is_admin=is_admin)
        return self.passwords[name]

    def visitor(self, name: str, *, is_admin: bool = False) -> PageClient:
        """Return a browser in which that person is signed in."""
        visitor = PageClient(self.url)
        visitor.sign_in(name, self.person(name, is_admin=is_admin))
        return visitor

    def stranger(self, source: str = "127.0.0.1") -> Client:
        """Return a client without a key."""
        return Client(self.host, self.settings.port, source=source)

    def client(self, name: str, scope: str = "launch", *, is_admin: bool = False) -> Client:
        """Return a client that acts for that person, with a new key."""
        self.person(name, is_admin=is_admin)
        label = f"attack {secrets.token_hex(4)}"
        made = self.portal.ask("key", "add", name, label, "--scope", scope)
        return Client(self.host, self.settings.port, str(made["key"]))

    @contextmanager
    def session(self, client: Client, **wish: object) -> Iterator[str]:
        """Yield a ready desktop of the key's person, launched by API; end it after the block."""
        made = client.api("POST", "/sessions", wish)
        if made.status not in (201, 202):
            raise RuntimeError(f"the launch was refused: {made.said}")
        desktop_id = str(made.json["session_sub"])
        try:
            self.wait_state(client, desktop_id, "ready")
            yield desktop_id
        finally:
            self.end(desktop_id)

    def wait_state(self, client: Client, desktop_id: str, *wanted: str) -> str:
        """Wait for one of these states and return it. TimeoutError names the last state."""
        give_up = time.monotonic() + LOOK_TIMEOUT_S
        while (state := self.session_of(client, desktop_id)["status"]) not in wanted:
            if time.monotonic() > give_up or state == "ended":
                raise TimeoutError(f"{desktop_id} is {state}, not {' or '.join(wanted)}")
            time.sleep(0.2)
        return str(state)

    def session_of(self, client: Client, desktop_id: str) -> Any:
        """Return the API's description of a desktop."""
        found: Answer = client.api("GET", f"/sessions/{desktop_id}")
        if found.status != 200:
            raise RuntimeError(f"{desktop_id} cannot be looked at: {found.said}")
        return found.json

    def pause(self, client: Client, desktop_id: str) -> None:
        answer = client.api("POST", f"/sessions/{desktop_id}/pause")
        if answer.status != 200:
            raise Broken(f"the desktop could not be paused: {answer.said}")
        self.wait_state(client, desktop_id, "paused")

    def resume(self, client: Client, desktop_id: str) -> int:
        """Resume until the desktop is ready; return the number of requests that this took."""
        for asked in range(1, 30):
            answer = client.api("POST", f"/sessions/{desktop_id}/resume")
            if answer.status != 200:
                raise Broken(f"the desktop cannot be resumed: {answer.said}")
            if self.wait_state(client, desktop_id, "ready", "paused") == "ready":
                return asked
        raise Broken("the desktop could not be resumed any more")

    def end(self, *desktop_ids: str) -> None:
        """End these desktops, and wait until they are removed."""
        for desktop_id in desktop_ids:
            self.portal.stop_desktop(desktop_id)
        self.wait_until(
            lambda: not set(desktop_ids) & set(self.portal.live_desktops()), "the desktops end"
        )

    @contextmanager
    def desktop(self, name: str) -> Iterator[tuple[PageClient, ReadyDesktop]]:
        """Yield a ready desktop of that person, which ends with the block."""
        visitor = self.visitor(name)
        ready = visitor.launch_desktop()
        try:
            yield visitor, ready
        finally:
            self.end(ready.id)

    def inside(self, desktop_id: str) -> Inside:
        """Return access to a desktop, as its person or as root of its container."""
        return inside_of(self.settings.folder / "winux.db", self.bridge, desktop_id)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Return rows of the portal's database."""
        database = self.settings.folder / "winux.db"
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(query, values)]

    def wait_until(
        self, is_so: Callable[[], object], what: str, timeout_s: float = LOOK_TIMEOUT_S
    ) -> None:
        give_up = time.monotonic() + timeout_s
        while not is_so():
            if time.monotonic() > give_up:
                raise TimeoutError(f"not after {timeout_s:.0f} s: {what}")
            time.sleep(0.1)

    @contextmanager
    def bystander(self, url: str, every_s: float = 0.1) -> Iterator[Looks]:
        """Open `url` repeatedly while the attack runs in the block."""
        looks, is_over = Looks(), threading.Event()

        def look() -> None:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            while not is_over.is_set():
                began = time.monotonic()
                try:
                    opener.open(url, timeout=LOOK_TIMEOUT_S).read()
                    looks.seconds.append(time.monotonic() - began)
                except OSError:
                    looks.seconds.append(float(LOOK_TIMEOUT_S))
                is_over.wait(every_s)

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield looks
        finally:
            is_over.set()
            watcher.join(LOOK_TIMEOUT_S)
