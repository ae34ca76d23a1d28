"""Queries and waits that the worker's tests share."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import select

from webapp.bootstrap import Services
from webapp.models import AddressReservation, Desktop, Template, VmidReservation
from webapp.services.audit.record import Actor
from webapp.services.desktops.launch import LaunchRequest
from webapp.services.pool.keeper import queue_pool_desktop
from webapp.worker.loop import Worker


def launch(services: Services, actor: Actor) -> str:
    return services.launcher.launch(actor, LaunchRequest())


def row(services: Services, public_id: str) -> Desktop:
    with services.db.read() as session:
        return session.scalars(select(Desktop).where(Desktop.public_id == public_id)).one()


def reservations(services: Services) -> int:
    """Return the number of reserved VM ids and addresses."""
    with services.db.read() as session:
        return len(session.scalars(select(VmidReservation)).all()) + len(
            session.scalars(select(AddressReservation)).all()
        )


def queue_for_pool(services: Services, template: str = "xfce") -> str:
    """Insert a queued desktop of the pool."""
    with services.db.begin() as session:
        of = session.scalars(select(Template).where(Template.name == template)).one()
        desktop = queue_pool_desktop(
            session, services.config, services.vault, of, services.clock.now()
        )
    return desktop.public_id


@contextmanager
def running(*workers: Worker) -> Iterator[None]:
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until `is_so`."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.01)
