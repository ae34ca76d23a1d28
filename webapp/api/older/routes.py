"""The operations of the older services."""

from http import HTTPStatus

from flask import Response, url_for
from msgspec import UNSET

from webapp.api.framework.access import caller
from webapp.api.framework.answer import CONTENT_TYPE, Answer
from webapp.api.framework.base_paths import OLDER
from webapp.api.framework.examples import OLDER_LAUNCHED
from webapp.api.framework.idempotency import launch_token
from webapp.api.framework.operation import Reply, operation
from webapp.api.framework.paging import MOST
from webapp.api.framework.problem import Problem
from webapp.api.framework.schema import SessionId
from webapp.api.older.json import older_launched_session, older_session
from webapp.api.older.schema import (
    OlderCleanup,
    OlderDone,
    OlderHealth,
    OlderLaunch,
    OlderLaunched,
    OlderSessionFound,
    OlderSessionList,
)
from webapp.domain.access import Action
from webapp.domain.states import LIVE, State
from webapp.http.context import services
from webapp.models import Desktop
from webapp.services.desktops.launch import LaunchRequest
from webapp.services.desktops.listing import DesktopQuery

TAG = "older"


def replay_launch(reference: str, **_: object) -> Answer:
    """Answer a repeated launch: the same session, with the password if it is ready by now."""
    return _launched(reference)


def replay_cleanup(reference: str) -> Answer:
    """Answer a repeated request: the cleanup of the first one."""
    return _cleanup(reference)


@operation(
    "GET",
    "/health",
    base=OLDER,
    tag=TAG,
    action=None,
    answers={200: Reply(OlderHealth, "The site can launch desktops.")},
)
def older_get_health() -> Answer:
    """Check whether the site can launch desktops; if not, the status is 503."""
    if not services().reports.readiness().is_ready:
        raise Problem(
            "unavailable",
            "The site cannot launch desktops at the moment.",
            "Ask an administrator; the pages of the administration show the cause.",
            headers={"Retry-After": "10"},
        )
    now = services().clock.now()
    return Answer(OlderHealth(success=True, status="healthy", message="Winux works", timestamp=now))


@operation(
    "POST",
    "/sessions",
    base=OLDER,
    tag=TAG,
    action=Action.DESKTOP_LAUNCH,
    answers={
        201: Reply(
            OlderLaunched,
            "It is active, or being created.",
            {"Location": "The session's address."},
            OLDER_LAUNCHED,
        )
    },
    problems=("limit-reached", "resting", "no-room", "full", "refused"),
    body_example={"duration_minutes": 30},
    again=replay_launch,
)
def older_create_session(body: OlderLaunch) -> Answer:
    """Launch a desktop of the first template.

    It returns at once. While `status` is `creating`, `GET` the session's address until it is
    `active`.
    """
    minutes = None if body.duration_minutes is UNSET else body.duration_minutes
    request = LaunchRequest(minutes=minutes, launch_token=launch_token())
    return _launched(services().launcher.launch(caller().actor, request))


@operation(
    "GET",
    "/sessions",
    base=OLDER,
    tag=TAG,
    action=Action.DESKTOP_SEE,
    answers={200: Reply(OlderSessionList, "The newest 200 that have not ended.")},
)
def older_list_sessions() -> Answer:
    """List sessions: your own, or with the scope admin those of all people."""
    found = services().desktop_listing.read(
        caller().actor, DesktopQuery(limit=MOST, states=frozenset(LIVE))
    )
    sessions = [older_session(one) for one in found.desktops]
    return Answer(OlderSessionList(success=True, sessions=sessions))


@operation(
    "GET",
    "/sessions/{session_id}",
    base=OLDER,
    tag=TAG,
    action=Action.DESKTOP_SEE,
    answers={200: Reply(OlderSessionFound, "The session.")},
    problems=("not-found",),
)
def older_get_session(session_id: SessionId) -> Answer:
    """Get a session; 404 if it has ended."""
    desktop = services().reports.desktop(caller().actor, session_id)
    if desktop.launched_at is None or desktop.state is State.ENDED:
        raise Problem("not-found")
    return Answer(OlderSessionFound(success=True, session=older_session(desktop)))


@operation(
    "DELETE",
    "/sessions/{session_id}",
    base=OLDER,
    tag=TAG,
    action=Action.DESKTOP_STOP,
    answers={200: Reply(OlderDone, "It is ending, or has ended before.")},
    problems=("not-found",),
)
def older_delete_session(session_id: SessionId) -> Answer:
    """Stop a session now; everything in it is lost. Repeating this changes nothing."""
    services().lifetime.stop(caller().actor, session_id)
    return Answer(OlderDone(success=True, message=f"{session_id} is being removed."))


@operation(
    "POST",
    "/cleanup",
    base=OLDER,
    tag=TAG,
    action=Action.CLEANUP_ASK,
    answers={
        202: Reply(OlderCleanup, "A worker does it.", {"Location": "What it did, in /api/v1."})
    },
    again=replay_cleanup,
)
def older_clean_up() -> Answer:
    """Request a cleanup: end what has expired, and compare database and nodes."""
    return _cleanup(services().cleanups.ask(caller().actor).cleanup.public_id)


@operation(
    "GET",
    "/openapi.json",
    base=OLDER,
    tag=TAG,
    action=None,
    answers={200: Reply(None, "OpenAPI 3.1.", is_any_json=True)},
)
def older_get_document() -> Response:
    """Get the OpenAPI document of these operations."""
    from webapp.api.document import document  # imported late: it imports this module

    config = services().config
    text = document(config.public_url, config.events_url, OLDER)
    return Response(text, content_type=CONTENT_TYPE)


def _launched(public_id: str) -> Answer:
    desktop = services().reports.desktop(caller().actor, public_id)
    password = None
    if desktop.state is State.READY:
        password = services().credentials.reveal(caller().actor, public_id).password
    value = OlderLaunched(
        success=True,
        session=older_launched_session(desktop, password),
        message=_message(desktop),
    )
    where = url_for("older_api.older_get_session", session_id=public_id)
    return Answer(value, HTTPStatus.CREATED, {"Location": where}, reference=public_id)


def _message(desktop: Desktop) -> str:
    if desktop.state is State.READY:
        return f"{desktop.public_id} is ready."
    return f"{desktop.public_id} is being created."


def _cleanup(public_id: str) -> Answer:
    value = OlderCleanup(success=True, message="A worker cleans up in a moment.", cleanup=public_id)
    where = url_for("api.get_cleanup", cleanup=public_id)
    return Answer(value, HTTPStatus.ACCEPTED, {"Location": where}, reference=public_id)
