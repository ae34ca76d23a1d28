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
from webapp.gateway.database_admissions import DatabaseAdmissions
from webapp.gateway.events.database import EventDatabase
from webapp.gateway.server import Gateway
from webapp.gateway.settings import Settings

log = logging.getLogger("winux.gateway")


def run(services: Services) -> None:
    """Serve until SIGTERM (systemd) or SIGINT (Ctrl-C); then end every connection and return."""
    admissions = DatabaseAdmissions(services.tickets, services.connections)
    try:
        run_in_loop(_serve(services, admissions))
    finally:
        admissions.end()


def run_in_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run to completion in uvloop."""
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


def event_database(services: Services, admissions: DatabaseAdmissions) -> EventDatabase:
    config = services.config
    cookie = SignInCookie(config.cookie_name, config.secret_key)
    feed, keys, accounts = services.event_feed, services.key_gate, services.accounts
    return EventDatabase(feed, keys, accounts, cookie, admissions.in_thread)


async def _serve(services: Services, admissions: DatabaseAdmissions) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    events = event_database(services, admissions)
    gateway = Gateway(settings(services.config), admissions, events, services.clock)
    started: asyncio.Future[int] = loop.create_future()
    started.add_done_callback(lambda port: log.info("Gateway listening on port %s", port.result()))
    await gateway.run(stop, started)
    log.info("Gateway stopped")
