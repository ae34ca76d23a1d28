"""The doctor: examines every part, and stores the last result for the page that shows it."""

import platform
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from webapp.domain.states import State
from webapp.domain.upkeep.health import CheckResult
from webapp.models import Checkup, Desktop, Template
from webapp.ports import Clock, Database, Examiner, Neighbour, WantedTemplate

#: The results of a machine that was not examined for longer are deleted.
FORGET_AFTER = timedelta(days=1)
#: Maximum number of running desktops to examine.
MOST_DESKTOPS = 50


class Doctor:
    """Examines the installation from this machine."""

    def __init__(self, db: Database, clock: Clock, examiners: Sequence[Examiner]) -> None:
        self._db = db
        self._clock = clock
        self._examiners = examiners

    def examine(self) -> list[CheckResult]:
        """Examine all parts, in a fixed order."""
        return [sign for examiner in self._examiners for sign in examiner.examine()]

    def examine_and_keep(self) -> None:
        """Examine all parts, and store the result for the administrators' page."""
        signs = self.examine()
        now, host = self._clock.now(), platform.node()[:64]
        with self._db.begin() as session:
            old = (Checkup.host == host) | (Checkup.examined_at < now - FORGET_AFTER)
            session.execute(delete(Checkup).where(old))
            for position, sign in enumerate(signs):
                session.add(
                    Checkup(
                        host=host,
                        part=sign.part[:40],
                        position=position,
                        health=sign.health,
                        text=sign.text[:500],
                        cure=sign.cure[:500],
                        examined_at=now,
                    )
                )


class Checkups:
    """Reads the last result of each machine for the page."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def latest(self) -> list[Checkup]:
        """The results by machine, then in the doctor's order."""
        with self._db.read() as session:
            return list(session.scalars(select(Checkup).order_by(Checkup.host, Checkup.position)))

    def examined_at(self) -> datetime | None:
        """When any machine was last examined."""
        return max((row.examined_at for row in self.latest()), default=None)


def running_desktops(db: Database) -> list[Neighbour]:
    """Desktops in the pool or ready, newest first, at most MOST_DESKTOPS."""
    is_running = Desktop.state.in_([State.READY, State.WARM])
    query = select(Desktop).where(is_running).order_by(Desktop.id.desc()).limit(MOST_DESKTOPS)
    with db.read() as session:
        return [
            Neighbour(
                one.public_id,
                one.owner_id,
                one.vmid,
                one.node,
                one.address,
                one.ssh_host_key_sha256,
            )
            for one in session.scalars(query)
            if one.vmid and one.node and one.address and one.ssh_host_key_sha256
        ]


def launchable(db: Database) -> list[WantedTemplate]:
    """The templates that can be launched."""
    query = select(Template.name, Template.vmid, Template.version).where(Template.is_enabled)
    with db.read() as session:
        return [WantedTemplate(row.name, row.vmid, row.version) for row in session.execute(query)]
