"""Runs one gateway process until a signal stops it."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

import uvloop

from webapp.adapters import heap
from webapp.adapters.sign_in_cookie import SignInCookie
from webapp.bootstrap import Services
from webapp.config import Config
from webapp.gateway.doorkeeper import Doorkeeper
from webapp.gateway.events.database import EventDoor
from webapp.gateway.server import Gateway
from webapp.gateway.settings import Settings

log = logging.getLogger("winux.gateway")


def run(services: Services) -> None:
    """Serve until SIGTERM (systemd) or SIGINT (Ctrl-C); then end every connection and return."""
    doorkeeper = Doorkeeper(services.tickets, services.connections)
    try:
        run_in_loop(_serve(services, doorkeeper))
    finally:
        doorkeeper.end()


def run_in_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run to completion in uvloop: asyncio's own TLS takes 256 kB for each connection."""
    heap.keep_freed_memory()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def settings(config: Config) -> Settings:
    host, port = config.gateway_listen
    public = urlsplit(config.public_url)
    return Settings(
        host=host,
        port=port,
        public_origin=f"{public.scheme}://{public.netloc}",
        max_connections=config.gateway_max_connections,
        trusted_proxies=config.trusted_proxies,
        max_listeners=config.gateway_max_listeners,
    )


def event_door(services: Services, doorkeeper: Doorkeeper) -> EventDoor:
    config = services.config
    cookie = SignInCookie(config.cookie_name, config.secret_key)
    feed, keys, accounts = services.session_feed, services.key_gate, services.accounts
    return EventDoor(feed, keys, accounts, cookie, doorkeeper.in_thread)


async def _serve(services: Services, doorkeeper: Doorkeeper) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    events = event_door(services, doorkeeper)
    gateway = Gateway(settings(services.config), doorkeeper, events, services.clock)
    started: asyncio.Future[int] = loop.create_future()
    started.add_done_callback(
        lambda port: log.info("The gateway listens on port %s", port.result())
    )
    await gateway.run(stop, started)
    log.info("The gateway ended")
