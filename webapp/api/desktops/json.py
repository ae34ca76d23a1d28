"""Converts desktop rows to the JSON of sessions."""

from typing import Any

import msgspec
from flask import url_for

from webapp.api.desktops.schema import Progress, Session, SessionDetail, SessionLinks, Step
from webapp.api.framework.schema import LEFT_OUT
from webapp.domain.connections.rdp_file import RDP_PORT
from webapp.domain.desktops.host_names import fqdn_of
from webapp.domain.states import State
from webapp.http.context import services
from webapp.models import Desktop
from webapp.services.desktops.views import BuildView

#: States of a launch, pause or resume under way, which have a progress.
IN_THE_MAKING = frozenset(
    {State.QUEUED, State.BUILDING, State.ASSIGNING, State.PAUSING, State.RESUMING}
)


def session_json(desktop: Desktop) -> Session:
    """Return a desktop as lists show it."""
    return Session(**_members(desktop))


def detail_json(desktop: Desktop) -> SessionDetail:
    """Return a desktop with its progress; while IN_THE_MAKING, its steps must be loaded."""
    return SessionDetail(**_members(desktop), progress=progress_json(desktop))


def progress_json(desktop: Desktop) -> Progress | None:
    """Return the progress of a launch, pause or resume; None if none is under way."""
    if desktop.state not in IN_THE_MAKING:
        return None
    return _progress(services().reports.build(desktop))


def etag_of(desktop: Desktop) -> str | None:
    """Return the version of the row; None while its JSON also changes with time."""
    return None if desktop.state in IN_THE_MAKING else str(desktop.row_version)


def _members(desktop: Desktop) -> dict[str, Any]:
    return {
        "session_sub": desktop.public_id,
        "status": desktop.state,
        "template": desktop.template.name,
        "owner": desktop.owner.name if desktop.owner else "",
        "fqdn": fqdn_of(desktop.public_id, services().config.desktop_domain) or LEFT_OUT,
        "address": desktop.address,
        "port": RDP_PORT,
        "rdp_username": desktop.rdp_username,
        "keyboard_layout": desktop.keyboard_layout,
        "launched_at": desktop.asked_at,
        "ready_at": desktop.ready_at,
        "expires_at": desktop.deadline_at,
        "paused_until": desktop.paused_until,
        "ended_at": desktop.ended_at,
        "end_reason": desktop.end_reason,
        "end_on_close": desktop.end_on_close,
        "links": _links(desktop.public_id),
    }


def _links(public_id: str) -> SessionLinks:
    here = url_for("api.get_session", session_sub=public_id)
    return SessionLinks(
        self=here,
        page=url_for("desktops.show", public_id=public_id),
        extend=f"{here}/extend",
        pause=f"{here}/pause",
        resume=f"{here}/resume",
        stop=f"{here}/stop",
        credentials=f"{here}/credentials",
        tickets=f"{here}/tickets",
        rdp_file=f"{here}/rdp-file",
        heartbeat=f"{here}/heartbeat",
        events=f"{_gateway_origin()}{here}/events",
    )


def _gateway_origin() -> str:
    """Return the gateway's origin; empty if a proxy serves it and the portal from one origin."""
    config = services().config
    return "" if config.events_url == config.public_url else config.events_url


def _progress(build: BuildView) -> Progress:
    return Progress(
        percent=round(100 * build.progress),
        elapsed_seconds=max(0, int(build.elapsed.total_seconds())),
        usual_seconds=int(build.usual.total_seconds()) if build.usual else None,
        steps=[
            Step(
                name=step.name,
                words=step.words,
                is_done=step.is_done,
                is_running=step.is_running,
            )
            for step in build.steps
        ],
    )


def members_of(detail: SessionDetail) -> dict[str, Any]:
    """Return the members as keyword arguments for a structure with more members."""
    return {name: getattr(detail, name) for name in msgspec.structs.asdict(detail)}
