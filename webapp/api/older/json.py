"""Converts desktop rows to the session JSON of the older services."""

from datetime import timedelta
from typing import Any

from flask import url_for

from webapp.api.framework.schema import LEFT_OUT
from webapp.api.older.schema import OlderLaunchedSession, OlderSession
from webapp.domain.connections.rdp_file import RDP_PORT
from webapp.domain.desktops.host_names import fqdn_of
from webapp.domain.states import State
from webapp.http.context import services
from webapp.models import Desktop

#: The older words for some states; the others have the same name.
STATUS = {
    State.QUEUED: "creating",
    State.BUILDING: "creating",
    State.ASSIGNING: "creating",
    State.READY: "active",
}


def older_session(desktop: Desktop) -> OlderSession:
    """Return a desktop without its password."""
    return OlderSession(**_members(desktop))


def older_launched_session(desktop: Desktop, password: str | None) -> OlderLaunchedSession:
    """Return a desktop for the person who launched it."""
    return OlderLaunchedSession(**_members(desktop), rdp_password=password)


def _members(desktop: Desktop) -> dict[str, Any]:
    created_at = desktop.asked_at
    life = timedelta(minutes=desktop.minutes)
    left = desktop.deadline_at - services().clock.now() if desktop.deadline_at else life
    return {
        "session_id": desktop.public_id,
        "container_id": desktop.vmid,
        "container_ip": desktop.address,
        "fqdn": fqdn_of(desktop.public_id, services().config.desktop_domain) or LEFT_OUT,
        "rdp_port": RDP_PORT,
        "rdp_username": desktop.rdp_username,
        "status": STATUS.get(desktop.state, desktop.state.value),
        "created_at": created_at,
        "expires_at": desktop.deadline_at or created_at + life,
        "duration_minutes": desktop.minutes,
        "remaining_seconds": max(0, int(left.total_seconds())),
        "page": url_for("desktops.show", public_id=desktop.public_id),
    }
