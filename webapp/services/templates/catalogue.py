"""The templates that people can launch: publishing them and changing their settings."""

import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action
from webapp.domain.errors import BadInput, NotFound
from webapp.models import Template, TemplateReplica
from webapp.ports import Clock, Database
from webapp.services.access import check
from webapp.services.audit.record import Actor, Audit

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_NODE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
#: The numeric settings of a template, with their lowest and highest values.
NUMBERS: dict[str, tuple[int, int]] = {
    "vmid": (100, 999_999_999),
    "memory_mb": (256, 1 << 20),
    "swap_mb": (0, 1 << 20),
    "cores": (1, 512),
    "disk_gb": (1, 10_000),
    "default_minutes": (1, 43_200),
    "max_minutes": (1, 43_200),
    "max_per_person": (0, 1000),
    "max_pause_minutes": (0, 525_600),
}
#: Settings where 0 is stored as None.
NONE_FOR_ZERO = frozenset({"max_per_person", "max_pause_minutes"})
#: The text settings, with their maximum lengths.
TEXTS = {"title": 64, "summary": 200, "version": 32, "desktop_environment": 16}
#: Settings that a desktop is built with: existing desktops keep theirs.
MADE_OF = frozenset({"vmid", "version", "memory_mb", "swap_mb", "cores", "disk_gb", "nesting"})
SWITCHES = frozenset({"nesting", "is_enabled"})


class Catalogue:
    """Templates, managed by an operator."""

    def __init__(self, db: Database, clock: Clock, config: Config, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit

    def all(self) -> list[Template]:
        """Every template, by name."""
        with self._db.read() as session:
            return list(session.scalars(select(Template).order_by(Template.name)))

    def publish(
        self,
        actor: Actor,
        name: str,
        vmid: int,
        version: str,
        values: Mapping[str, object],
        node: str | None = None,
    ) -> None:
        """Publish version `version` of the template `name`, cloned from the container `vmid`.

        Launches use it from now on. An existing template of that name keeps the settings that
        are not in `values`. With `node`, an already published version gets one more replica, on
        that node.
        """
        with self._audit.refusals(actor, "template.publish", name), self._db.begin() as session:
            check(actor, Action.TEMPLATE_MANAGE)
            if not _NAME.fullmatch(name):
                raise BadInput("name", "template_name")
            template = session.scalar(select(Template).where(Template.name == name))
            if template and node and template.version == version:
                _set(template, values)
                self._keep_first(session, template)
            else:
                template = self._renew(session, template, name, vmid, version, values)
            if node:
                _check_node(node)
                _add_replica(session, template, vmid, node, self._clock.now())
            _check_minutes(template)
            where = f" on {node}" if node else ""
            detail = f"{version}, {vmid}{where}"
            self._audit.record(session, actor, "template.publish", name, detail)

    def _keep_first(self, session: Session, template: Template) -> None:
        """Add a replica for a template that was published before replicas existed. A worker's
        check of the nodes later corrects its node."""
        if session.get(TemplateReplica, template.vmid) is None:
            home = self._config.proxmox.node
            _add_replica(session, template, template.vmid, home, self._clock.now())

    def _renew(
        self,
        session: Session,
        template: Template | None,
        name: str,
        vmid: int,
        version: str,
        values: Mapping[str, object],
    ) -> Template:
        if template is None:
            template = Template(name=name, title=name.upper() if len(name) < 5 else name.title())
            session.add(template)
        template.published_at = template.changed_at = self._clock.now()
        _set(template, {**values, "vmid": vmid, "version": version})
        session.flush()
        _renew_replicas(session, template, self._clock.now())
        return template

    def change(self, actor: Actor, name: str, values: Mapping[str, object]) -> None:
        """Change some settings of a template; running desktops keep theirs."""
        with self._audit.refusals(actor, "template.set", name), self._db.begin() as session:
            check(actor, Action.TEMPLATE_MANAGE)
            template = _template(session, name)
            if any(getattr(template, key) != values[key] for key in MADE_OF & values.keys()):
                template.changed_at = self._clock.now()
            _set(template, values)
            _check_minutes(template)
            words = ", ".join(f"{key}={value}" for key, value in values.items())
            self._audit.record(session, actor, "template.set", name, words)


def _template(session: Session, name: str) -> Template:
    template = session.scalar(select(Template).where(Template.name == name))
    if template is None:
        raise NotFound("template", name=name[:32])
    return template


def _renew_replicas(session: Session, template: Template, now: datetime) -> None:
    """Retire the replicas of other versions. The next check of the nodes finds the new one."""
    replicas = session.scalars(
        select(TemplateReplica).where(TemplateReplica.template_id == template.id)
    )
    for replica in replicas:
        if replica.vmid == template.vmid:
            replica.version, replica.published_at = template.version, now
        is_old = replica.version != template.version
        replica.retired_at = (replica.retired_at or now) if is_old else None


def _add_replica(session: Session, template: Template, vmid: int, node: str, now: datetime) -> None:
    """Add a container from which the template's version can be cloned."""
    replica = session.get(TemplateReplica, vmid)
    if replica is None:
        replica = TemplateReplica(vmid=vmid)
        session.add(replica)
    replica.template_id, replica.version, replica.node = template.id, template.version, node
    replica.published_at, replica.retired_at, replica.is_missing = now, None, False


def _check_node(name: str) -> None:
    if not _NODE.fullmatch(name):
        raise BadInput("node", "node_name", name=name[:64])


def _set(template: Template, values: Mapping[str, object]) -> None:
    for key, value in values.items():
        if key in NUMBERS:
            lowest, highest = NUMBERS[key]
            if not isinstance(value, int) or not lowest <= value <= highest:
                raise BadInput(key, "setting_number", setting=key, lowest=lowest, highest=highest)
        elif key in TEXTS:
            if not isinstance(value, str) or not value.strip() or len(value) > TEXTS[key]:
                raise BadInput(key, "setting_text", setting=key, longest=TEXTS[key])
        elif key not in SWITCHES or not isinstance(value, bool):
            raise BadInput(key, "setting", setting=key[:32])
        setattr(template, key, None if key in NONE_FOR_ZERO and value == 0 else value)


def _check_minutes(template: Template) -> None:
    if template.default_minutes > template.max_minutes:
        raise BadInput("default_minutes", "minutes_order")
