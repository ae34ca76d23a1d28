"""The routes of sessions: launch, list, get, extend, pause, stop, connect."""

from http import HTTPStatus

from flask import Response, url_for
from msgspec import UNSET

from webapp.api.desktops.json import IN_THE_MAKING, detail_json, etag_of, members_of, session_json
from webapp.api.desktops.schema import (
    ClosingChoice,
    Credentials,
    Extension,
    Heartbeat,
    LaunchedSession,
    SessionDetail,
    SessionList,
    SessionQuery,
    SessionRequest,
    Ticket,
    TicketRequest,
)
from webapp.api.framework.access import caller
from webapp.api.framework.answer import Answer
from webapp.api.framework.examples import CREDENTIALS, HEARTBEAT, LAUNCHED, SESSION, TICKET
from webapp.api.framework.idempotency import launch_token
from webapp.api.framework.match import wanted_version
from webapp.api.framework.operation import Reply, operation
from webapp.api.framework.paging import bad_cursor, decode_cursor, encode_cursor, next_link
from webapp.api.framework.problem import Problem, invalid
from webapp.api.framework.schema import LEFT_OUT, SessionId
from webapp.domain.access import Action
from webapp.domain.connections.rdp_file import rdp_file
from webapp.domain.states import State
from webapp.http.context import services
from webapp.models import Desktop
from webapp.services.desktops.launch import LaunchRequest
from webapp.services.desktops.listing import DesktopQuery, ListingPosition

TAG = "sessions"
LOCATION = {"Location": "The session's address."}
ETAG = {"ETag": "The session's version, for If-Match."}


def replay_launch(reference: str, **_: object) -> Answer:
    """Answer a repeated launch: the same session, with the password if it is ready by now."""
    desktop = services().reports.desktop(caller().actor, reference, steps_in=IN_THE_MAKING)
    return _launched(desktop, is_reused=False)


def replay_session(reference: str, **_: object) -> Answer:
    """Answer a repeated request: the session in its current state."""
    return _session(reference)


def replay_ticket(_reference: str, session_sub: str, body: TicketRequest) -> Answer:
    """Answer a repeated request with a new ticket: the first is not stored and lives 30 seconds."""
    return make_ticket(session_sub, body)


@operation(
    "POST",
    "/sessions",
    tag=TAG,
    action=Action.DESKTOP_LAUNCH,
    answers={
        200: Reply(LaunchedSession, "The session that ran already, because of `reuse`.", LOCATION),
        201: Reply(LaunchedSession, "It is ready, out of the pool.", LOCATION, LAUNCHED),
        202: Reply(LaunchedSession, "It is being made; follow Location.", LOCATION),
    },
    problems=("limit-reached", "resting", "no-room", "full", "refused"),
    body_example={"template": "xfce", "duration_minutes": 60},
    again=replay_launch,
)
def launch_session(body: SessionRequest) -> Answer:
    """Launch a desktop.

    If the pool has a warm desktop, it is ready at once and comes with its password (201). Otherwise
    it is queued (202); `GET` its address or follow its events to learn when it is ready.
    """
    actor = caller().actor
    token = launch_token()
    public_id = services().launcher.launch(actor, _wish(body, token))
    desktop = services().reports.desktop(actor, public_id, steps_in=IN_THE_MAKING)
    return _launched(desktop, is_reused=desktop.launch_token != token)


@operation(
    "GET",
    "/sessions",
    tag=TAG,
    action=Action.DESKTOP_SEE,
    answers={200: Reply(SessionList, "A page of them.", {"Link": "The next page."})},
)
def list_sessions(query: SessionQuery) -> Answer:
    """List sessions, newest first by default.

    Lists your own sessions; with the scope admin those of all people if your role allows it,
    unless `mine` is true.
    Passwords are never included.
    """
    place = decode_cursor(query.cursor, tuple[str, str, int]) if query.cursor else None
    if place and place[0] != query.sort:
        raise bad_cursor()
    wanted = DesktopQuery(
        limit=query.limit,
        order=query.sort,
        is_descending=query.descending,
        is_mine=query.mine,
        states=_states(query.status),
        template=query.template,
        owner=query.owner,
        after=ListingPosition(place[1], place[2]) if place else None,
    )
    try:
        found = services().desktop_listing.read(caller().actor, wanted)
    except ValueError:
        raise bad_cursor() from None
    end = found.next_place
    cursor = encode_cursor(query.sort, end.value, end.row_id) if end else None
    rows = [session_json(one) for one in found.desktops]
    return Answer(SessionList(sessions=rows, next_cursor=cursor), headers=next_link(cursor))


@operation(
    "GET",
    "/sessions/{session_sub}",
    tag=TAG,
    action=Action.DESKTOP_SEE,
    answers={200: Reply(SessionDetail, "The session.", ETAG, SESSION)},
    problems=("not-found",),
)
def get_session(session_sub: SessionId) -> Answer:
    """Get a session."""
    return _session(session_sub)


@operation(
    "POST",
    "/sessions/{session_sub}/extend",
    tag=TAG,
    action=Action.DESKTOP_EXTEND,
    answers={200: Reply(SessionDetail, "The session with its new end.", ETAG)},
    problems=("not-found", "not-ready", "expired", "longest", "precondition-failed"),
    body_example={"minutes": 30},
    again=replay_session,
    checks_match=True,
)
def extend_session(session_sub: SessionId, body: Extension) -> Answer:
    """Extend a session, within the limit of its template."""
    services().lifetime.extend(caller().actor, session_sub, body.minutes, version=wanted_version())
    return _session(session_sub)


@operation(
    "POST",
    "/sessions/{session_sub}/pause",
    tag=TAG,
    action=Action.DESKTOP_PAUSE,
    answers={200: Reply(SessionDetail, "It is being paused, or was before.", ETAG)},
    problems=("not-found", "not-ready", "no-pause", "expired"),
)
def pause_session(session_sub: SessionId) -> Answer:
    """Pause a session, if its template allows it: it is shut down and kept, its time stops."""
    services().pauses.pause(caller().actor, session_sub)
    return _session(session_sub)


@operation(
    "POST",
    "/sessions/{session_sub}/resume",
    tag=TAG,
    action=Action.DESKTOP_RESUME,
    answers={200: Reply(SessionDetail, "It starts again, or runs.", ETAG)},
    problems=("not-found", "not-paused", "expired", "no-room", "refused"),
)
def resume_session(session_sub: SessionId) -> Answer:
    """Resume a paused session; its files are kept."""
    services().pauses.resume(caller().actor, session_sub)
    return _session(session_sub)


@operation(
    "POST",
    "/sessions/{session_sub}/stop",
    tag=TAG,
    action=Action.DESKTOP_STOP,
    answers={200: Reply(SessionDetail, "It is ending, or has ended before.", ETAG)},
    problems=("not-found", "precondition-failed"),
    checks_match=True,
)
def stop_session(session_sub: SessionId) -> Answer:
    """Stop a session now; everything in it is lost. Repeating this changes nothing."""
    services().lifetime.stop(caller().actor, session_sub, version=wanted_version())
    return _session(session_sub)


@operation(
    "DELETE",
    "/sessions/{session_sub}",
    tag=TAG,
    action=Action.DESKTOP_STOP,
    answers={204: Reply(None, "It is ending, or has ended before.")},
    problems=("not-found", "precondition-failed"),
    checks_match=True,
)
def delete_session(session_sub: SessionId) -> Answer:
    """Stop a session now, as `stop` does."""
    services().lifetime.stop(caller().actor, session_sub, version=wanted_version())
    return Answer(status=HTTPStatus.NO_CONTENT)


@operation(
    "POST",
    "/sessions/{session_sub}/heartbeat",
    tag=TAG,
    action=Action.DESKTOP_OPEN,
    answers={200: Reply(Heartbeat, "How long it still runs.", example=HEARTBEAT)},
    problems=("not-found",),
)
def beat_session(session_sub: SessionId) -> Answer:
    """Report that the session is open in a page; cancels a `close-beacon`.

    A heartbeat does not count as use: only input keeps an idle session alive.
    """
    beat = services().presence.heartbeat(caller().actor, session_sub)
    return Answer(
        Heartbeat(
            status=beat.state,
            now=services().clock.now(),
            expires_at=beat.deadline_at,
            idle_ends_at=beat.idle_ends_at,
            is_idle_soon=beat.is_idle_soon,
            end_on_close=beat.end_on_close,
        )
    )


@operation(
    "PUT",
    "/sessions/{session_sub}/end-on-close",
    tag=TAG,
    action=Action.DESKTOP_OPEN,
    answers={200: Reply(SessionDetail, "The session.", ETAG)},
    problems=("not-found",),
    body_example={"end_on_close": True},
)
def choose_end_on_close(session_sub: SessionId, body: ClosingChoice) -> Answer:
    """Choose whether closing the page that shows the session ends it."""
    services().presence.choose_end_on_close(caller().actor, session_sub, wanted=body.end_on_close)
    return _session(session_sub)


@operation(
    "POST",
    "/sessions/{session_sub}/close-beacon",
    tag=TAG,
    action=Action.DESKTOP_OPEN,
    answers={204: Reply(None, "Noted.")},
    problems=("not-found",),
)
def close_session_page(session_sub: SessionId) -> Answer:
    """Report that the page which shows the session was closed, for `navigator.sendBeacon`.

    If the owner chose so (`end-on-close`), the session ends after 20 seconds unless a page shows it
    again. A browser's beacon sends the CSRF token as the form field `csrf_token`; all other fields
    are ignored.
    """
    services().presence.left(caller().actor, session_sub)
    return Answer(status=HTTPStatus.NO_CONTENT)


@operation(
    "POST",
    "/sessions/{session_sub}/tickets",
    tag=TAG,
    action=Action.DESKTOP_OPEN,
    answers={201: Reply(Ticket, "The ticket.", example=TICKET)},
    problems=("not-found", "not-ready", "paused", "ended", "refused"),
    body_example={"keyboard_layout": "us"},
    again=replay_ticket,
)
def make_ticket(session_sub: SessionId, body: TicketRequest) -> Answer:
    """Issue a ticket to open one connection in a browser, within 30 seconds; for the owner."""
    who = caller()
    issued = services().tickets.issue(
        who.actor, session_sub, sign_in_id=who.sign_in_id, keyboard_layout=body.keyboard_layout
    )
    ticket = Ticket(
        ticket=issued.token,
        gateway_url=issued.gateway_url,
        expires_at=issued.expires_at,
        clipboard_in=issued.clipboard_in,
        clipboard_out=issued.clipboard_out,
    )
    return Answer(ticket, HTTPStatus.CREATED)


@operation(
    "POST",
    "/sessions/{session_sub}/credentials",
    tag=TAG,
    action=Action.DESKTOP_REVEAL_PASSWORD,
    answers={200: Reply(Credentials, "How to open it.", example=CREDENTIALS)},
    problems=("not-found", "not-ready", "paused"),
)
def reveal_credentials(session_sub: SessionId) -> Answer:
    """Reveal the password, only to the owner; each call is recorded in the audit log."""
    shown = services().credentials.reveal(caller().actor, session_sub)
    return Answer(
        Credentials(
            session_sub=session_sub,
            fqdn=shown.target.fqdn or LEFT_OUT,
            address=shown.target.address,
            port=shown.target.port,
            rdp_username=shown.target.username,
            rdp_password=shown.password,
        )
    )


@operation(
    "GET",
    "/sessions/{session_sub}/rdp-file",
    tag=TAG,
    action=Action.DESKTOP_RDP_FILE,
    answers={200: Reply(None, "The file.", content_type="application/x-rdp")},
    problems=("not-found", "not-ready", "paused"),
)
def get_rdp_file(session_sub: SessionId) -> Response:
    """Get the file for mstsc, FreeRDP and Remmina, without the password."""
    target = services().credentials.target(caller().actor, session_sub)
    return Response(
        rdp_file(target),
        content_type="application/x-rdp",
        headers={"Content-Disposition": f'attachment; filename="{target.title}.rdp"'},
    )


def _wish(body: SessionRequest, token: str) -> LaunchRequest:
    return LaunchRequest(
        template=body.template or None,
        minutes=_minutes(body),
        rdp_username=body.rdp_username or None,
        keyboard_layout=body.keyboard_layout or None,
        launch_token=token,
        reuse=body.reuse,
        make_room=body.make_room or None,
    )


def _minutes(body: SessionRequest) -> int | None:
    if body.duration_hours is not UNSET:
        return max(1, round(body.duration_hours * 60))
    return None if body.duration_minutes is UNSET else body.duration_minutes


def _states(words: str | None) -> frozenset[State]:
    try:
        return frozenset(State(word) for word in words.split(",")) if words else frozenset()
    except ValueError:
        known = ", ".join(State)
        raise invalid("", f"The states are {known}.", parameter="status") from None


def _session(public_id: str) -> Answer:
    desktop = services().reports.desktop(caller().actor, public_id, steps_in=IN_THE_MAKING)
    if desktop.launched_at is None:  # a desktop in the pool is not a session yet
        raise Problem("not-found")
    return Answer(detail_json(desktop), etag=etag_of(desktop), reference=public_id)


def _launched(desktop: Desktop, *, is_reused: bool) -> Answer:
    is_ready = desktop.state is State.READY
    password = None
    if is_ready:
        password = services().credentials.reveal(caller().actor, desktop.public_id).password
    value = LaunchedSession(
        **members_of(detail_json(desktop)), rdp_password=password, is_reused=is_reused
    )
    status = HTTPStatus.CREATED if is_ready else HTTPStatus.ACCEPTED
    where = url_for("api.get_session", session_sub=desktop.public_id)
    return Answer(
        value,
        HTTPStatus.OK if is_reused else status,
        {"Location": where},
        reference=desktop.public_id,
    )
