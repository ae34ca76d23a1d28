"""A gateway in the test's own event loop, between a fake browser and a fake desktop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.gateway.connection.tls_flooder import Flooder
from tests.gateway.fake_browser import ORIGIN
from tests.gateway.rdp.fake_desktop import FakeDesktop
from tests.gateway.try_relay import EverybodyIsWelcome, NobodyListens
from webapp.adapters.system import SystemClock
from webapp.gateway.connection.allowance import USUAL, Limits
from webapp.gateway.server import Gateway
from webapp.gateway.settings import Settings

PASSWORD = "the real password"


@dataclass
class Running:
    """A running gateway; `stop` ends it."""

    gateway: Gateway
    admissions: EverybodyIsWelcome
    port: int
    stop: asyncio.Event = field(default_factory=asyncio.Event)


@contextlib.asynccontextmanager
async def running(
    desktop: FakeDesktop | Flooder,
    *,
    host: str = "127.0.0.1",
    max_connections: int = 300,
    trusted_proxies: int = 0,
    limits: Limits = USUAL,
    hand_shake_seconds: float = 10.0,
    sign_in_seconds: float = 30.0,
) -> AsyncIterator[Running]:
    admissions = EverybodyIsWelcome(("127.0.0.1", desktop.port), "desktop", PASSWORD)
    admissions.certificate_sha256 = desktop.certificate_sha256
    settings = Settings(
        host,
        0,
        ORIGIN,
        max_connections,
        trusted_proxies,
        limits=limits,
        hand_shake_seconds=hand_shake_seconds,
        sign_in_seconds=sign_in_seconds,
    )
    gateway = Gateway(settings, admissions, NobodyListens(), SystemClock())
    stop = asyncio.Event()
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(gateway.run(stop, started))
    try:
        yield Running(gateway, admissions, await started, stop)
    finally:
        stop.set()
        await task
