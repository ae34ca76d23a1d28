"""The running Winux that attacks are tried on: what an attacker and a bystander can do there."""

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
from setup.portal import Portal
from setup.settings import Settings
from setup.visitor import ReadyDesktop, Visitor

LOOK_TIMEOUT_S = 120


@dataclass
class Looks:
    """How long a bystander waited for each answer, in seconds; a missing answer counts in full."""

    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def longest(self) -> float:
        return max(self.seconds)


@dataclass
class Target:
    """A lab node, worker, gateway and web server that run, and their people."""

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
        """Make the account, once; its password."""
        if name not in self.passwords:
            self.passwords[name] = self.portal.make_person(name, is_admin=is_admin)
        return self.passwords[name]

    def visitor(self, name: str, *, is_admin: bool = False) -> Visitor:
        """A browser in which that person has signed in."""
        visitor = Visitor(self.url)
        visitor.sign_in(name, self.person(name, is_admin=is_admin))
        return visitor

    @contextmanager
    def desktop(self, name: str) -> Iterator[tuple[Visitor, ReadyDesktop]]:
        """A ready desktop of that person, which ends with the attack."""
        visitor = self.visitor(name)
        ready = visitor.launch_desktop()
        try:
            yield visitor, ready
        finally:
            self.portal.stop_desktop(ready.id)
            self.wait_until(lambda: ready.id not in self.portal.live_desktops(), "it ends")

    def inside(self, desktop_id: str) -> Inside:
        """Programs inside a desktop, as its person or as root of its container."""
        return inside_of(self.settings.folder / "winux.db", self.bridge, desktop_id)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What the portal's database says."""
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
        """Somebody who opens `url` again and again while the attack runs inside the block."""
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
