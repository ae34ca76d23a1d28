"""Shows a ready desktop's credentials to its owner; each time is audited."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action
from webapp.domain.connections.rdp_file import RDP_PORT, RdpTarget
from webapp.domain.desktops.host_names import fqdn_of
from webapp.domain.errors import Refused
from webapp.domain.states import State
from webapp.models import Desktop
from webapp.ports import Database, Vault
from webapp.services.audit.record import Actor, Audit
from webapp.services.desktop_access import find_desktop


@dataclass(frozen=True)
class Credentials:
    """The credentials of one desktop. Contains a secret: never log it or put it in a list."""

    target: RdpTarget
    password: str


class DesktopCredentials:
    """Returns credentials to the owner only. Admins can stop desktops of others but not open
    them."""

    def __init__(self, db: Database, config: Config, vault: Vault, audit: Audit) -> None:
        self._db = db
        self._domain = config.desktop_domain
        self._vault = vault
        self._audit = audit

    def reveal(self, actor: Actor, public_id: str) -> Credentials:
        """Returns address, user name and password. Raises NotFound unless the actor owns it."""
        with (
            self._audit.refusals(actor, "desktop.reveal_password", public_id),
            self._db.begin() as session,
        ):
            desktop = _find_ready(session, actor, Action.DESKTOP_REVEAL_PASSWORD, public_id)
            self._audit.record(session, actor, "desktop.reveal_password", public_id)
            locked = desktop.password_locked or b""
        return Credentials(_target(desktop, self._domain), self._vault.unlock(locked))

    def target(self, actor: Actor, public_id: str) -> RdpTarget:
        """Returns what the `.rdp` file needs: everything but the password."""
        with self._db.read() as session:
            desktop = _find_ready(session, actor, Action.DESKTOP_RDP_FILE, public_id)
            return _target(desktop, self._domain)


def check_not_paused(desktop: Desktop) -> None:
    """Raise Refused if the desktop is paused."""
    if desktop.state in (State.PAUSING, State.PAUSED):
        raise Refused("paused", desktop=desktop.public_id)


def _find_ready(session: Session, actor: Actor, action: Action, public_id: str) -> Desktop:
    desktop = find_desktop(session, actor, action, public_id)
    check_not_paused(desktop)
    if desktop.state != State.READY:
        raise Refused("not_ready.credentials", desktop=desktop.public_id, state=desktop.state)
    return desktop


def _target(desktop: Desktop, domain: str) -> RdpTarget:
    return RdpTarget(
        address=desktop.address or "",
        port=RDP_PORT,
        username=desktop.rdp_username,
        title=desktop.public_id,
        fqdn=fqdn_of(desktop.public_id, domain),
    )
