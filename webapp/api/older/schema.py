"""The JSON of the older services: every answer has the member `success`."""

from webapp.api.desktops.schema import Fqdn, Minutes
from webapp.api.framework.schema import (
    LEFT_OUT,
    Moment,
    RequestBody,
    ResponseBody,
    SessionId,
    Unset,
)
from webapp.api.site.schema import CleanupId


class OlderLaunch(RequestBody):
    """A launch request; every field is optional."""

    duration_minutes: Minutes | Unset = LEFT_OUT


class OlderSession(ResponseBody, kw_only=True):
    """A launched desktop, as the older services describe it."""

    session_id: SessionId
    container_id: int | None
    """The container's id in Proxmox VE."""
    container_ip: str | None
    fqdn: Fqdn | Unset = LEFT_OUT
    """Missing if the site gives desktops no names; use `container_ip` then."""
    rdp_port: int
    rdp_username: str
    status: str
    """`creating`, `active`, `pausing`, `paused`, `resuming`, `failed` or `stopping`."""
    created_at: Moment
    expires_at: Moment
    """While it is being created: the earliest time at which it can end."""
    duration_minutes: int
    remaining_seconds: int
    page: str
    """The page on which its owner opens it in a browser."""


class OlderLaunchedSession(OlderSession, kw_only=True):
    """A session in the answer to its launch."""

    rdp_password: str | None
    """Null unless the session is active; `POST /api/v1/sessions/{id}/credentials` reveals it."""


class OlderLaunched(ResponseBody):
    """The answer to a launch."""

    success: bool
    session: OlderLaunchedSession
    message: str


class OlderSessionFound(ResponseBody):
    """One session."""

    success: bool
    session: OlderSession


class OlderSessionList(ResponseBody):
    """Sessions, newest first."""

    success: bool
    sessions: list[OlderSession]


class OlderDone(ResponseBody):
    """The answer to a request that needs no data."""

    success: bool
    message: str


class OlderCleanup(ResponseBody):
    """The answer to a request to clean up, which a worker then does."""

    success: bool
    message: str
    cleanup: CleanupId
    """`GET /api/v1/cleanup/{id}` has its result."""


class OlderHealth(ResponseBody):
    """The site can launch desktops."""

    success: bool
    status: str
    """Always `healthy`; otherwise the answer is a problem document with status 503."""
    message: str
    timestamp: Moment
