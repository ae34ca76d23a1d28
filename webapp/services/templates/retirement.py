"""Removes the containers of old template versions once no desktop cloned from them is left.

A linked clone may need its template as long as it exists (ZFS, Ceph), and an operator may want to
publish the previous version again. So a container is kept until its last desktop has ended and the
site's retention time has passed.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from webapp.config import Config
from webapp.domain.errors import OutsideFailed
from webapp.domain.states import State
from webapp.models import Desktop, TemplateReplica
from webapp.ports import Clock, Database, Provisioner
from webapp.services.audit.record import SYSTEM, Audit

log = logging.getLogger(__name__)

#: Retry interval of a failed removal; also how long a worker that died during one blocks others.
TRY_AGAIN = timedelta(hours=1)

#: Matches desktops whose disk may depend on the replica's. Adopted ones have no known version.
IS_CLONE = and_(
    Desktop.template_id == TemplateReplica.template_id,
    Desktop.state != State.ENDED,
    or_(
        Desktop.template_version == TemplateReplica.version,
        and_(Desktop.template_version.is_(None), Desktop.node.is_not(None)),
    ),
)

_newer = aliased(TemplateReplica)
#: Requires that the newer version was seen on a node; otherwise the old one may be the only one.
IS_IN_ITS_PLACE = and_(
    _newer.template_id == TemplateReplica.template_id,
    _newer.retired_at.is_(None),
    _newer.is_missing.is_(False),
)


class TemplateRetirement:
    """Removes containers that no published version and no desktop needs any more."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, audit: Audit, provisioner: Provisioner
    ) -> None:
        self._db = db
        self._clock = clock
        self._keep = config.template_keep
        self._audit = audit
        self._provisioner = provisioner

    def remove_one(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Remove the container of one old version that is due. Returns False if there is none.

        If `is_stopping` returns true, this worker is stopping: the run is cancelled and retried
        later.
        """
        replica = self._take()
        if replica is None:
            return False
        about = {"template": replica.template.name, "vmid": replica.vmid}
        try:
            self._provisioner.remove_template(
                replica.vmid, replica.version, node=replica.node, is_cancelled=is_stopping
            )
        except OutsideFailed as error:
            if is_stopping():
                return False
            log.warning("Old template not removed: %s", error, extra=about)
            self._note(replica.vmid, str(error))
        else:
            self._forget(replica)
            log.info("Old template removed", extra=about)
        return True

    def _take(self) -> TemplateReplica | None:
        if not self._keep:
            return None
        with self._db.begin() as session:
            due = select(TemplateReplica).where(self._is_due(self._clock.now()))
            replica = session.scalars(due.limit(1).with_for_update(of=TemplateReplica)).first()
            if replica:
                replica.removal_tried_at, replica.removal_trouble = self._clock.now(), None
            return replica

    def _is_due(self, now: datetime) -> ColumnElement[bool]:
        tried_at = TemplateReplica.removal_tried_at
        return and_(
            TemplateReplica.retired_at <= now - self._keep,
            or_(tried_at.is_(None), tried_at <= now - TRY_AGAIN),
            ~exists().where(IS_CLONE),
            exists().where(IS_IN_ITS_PLACE),
        )

    def _note(self, vmid: int, trouble: str) -> None:
        with self._db.begin() as session:
            if replica := session.get(TemplateReplica, vmid):
                replica.removal_trouble = trouble[:300]

    def _forget(self, gone: TemplateReplica) -> None:
        with self._db.begin() as session:
            replica = session.get(TemplateReplica, gone.vmid)
            if replica and replica.retired_at:  # otherwise it was published again: now missing
                session.delete(replica)
            name, detail = gone.template.name, f"{gone.version}, {gone.vmid} on {gone.node}"
            self._audit.record(session, SYSTEM, "template.remove", name, detail)


def count_clones(session: Session) -> dict[int, int]:
    """Number of desktops that each retired replica waits for, by VM id."""
    query = (
        select(TemplateReplica.vmid, func.count(Desktop.id))
        .join(Desktop, IS_CLONE)
        .where(TemplateReplica.retired_at.is_not(None))
        .group_by(TemplateReplica.vmid)
    )
    return dict(session.execute(query).all())
