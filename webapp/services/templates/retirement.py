"""Old versions of templates: their containers go when nothing that was cloned from them is left.

A linked clone may need its template for as long as it lives (ZFS, Ceph), and an operator may want
to offer the version before again: so it waits for its last desktop, and for the site's patience.
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

#: When one could not be removed; also, how long a worker that died on the way holds up others.
TRY_AGAIN = timedelta(hours=1)

#: Desktops whose disk may lie on the replica's; of adopted ones the version is not known.
IS_CLONE = and_(
    Desktop.template_id == TemplateReplica.template_id,
    Desktop.state != State.ENDED,
    or_(
        Desktop.template_version == TemplateReplica.version,
        and_(Desktop.template_version.is_(None), Desktop.node.is_not(None)),
    ),
)

_newer = aliased(TemplateReplica)
#: What is offered instead was seen on a node; else the old one may be all that is left.
IS_IN_ITS_PLACE = and_(
    _newer.template_id == TemplateReplica.template_id,
    _newer.retired_at.is_(None),
    _newer.is_missing.is_(False),
)


class OldTemplates:
    """Removes what no version on offer and no desktop needs any more."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, audit: Audit, provisioner: Provisioner
    ) -> None:
        self._db = db
        self._clock = clock
        self._keep = config.template_keep
        self._audit = audit
        self._provisioner = provisioner

    def remove_one(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Remove the container of one old version that is due; False: none is.

        `is_stopping` says that this worker ends: the run is cancelled, and left for another time.
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
            log.warning("An old template was not removed: %s", error, extra=about)
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
            if replica and replica.retired_at:  # else it was offered again meanwhile: it is missing
                session.delete(replica)
            name, detail = gone.template.name, f"{gone.version}, {gone.vmid} on {gone.node}"
            self._audit.record(session, SYSTEM, "template.remove", name, detail)


def count_clones(session: Session) -> dict[int, int]:
    """Of each retired replica, the desktops that it waits for."""
    query = (
        select(TemplateReplica.vmid, func.count(Desktop.id))
        .join(Desktop, IS_CLONE)
        .where(TemplateReplica.retired_at.is_not(None))
        .group_by(TemplateReplica.vmid)
    )
    return dict(session.execute(query).all())
