"""Refusals and failures as RFC 9457 problem details: what happened, and what to do.

`KINDS` is the catalogue. docs/api/problems.md documents it, and so does
`/api/v1/problems/<slug>`, the URL in every `type`.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from flask import Response, request
from flask_wtf.csrf import CSRFError
from msgspec import UNSET, UnsetType
from werkzeug.exceptions import HTTPException

from webapp.api.framework.base_paths import OLDER
from webapp.api.framework.schema import Moment, ResponseBody, SessionId
from webapp.domain.desktops.launch_limits import LimitReached
from webapp.domain.errors import (
    BadInput,
    Conflict,
    NotFound,
    OutsideFailed,
    Refused,
    Stale,
    TooMany,
    WinuxError,
)
from webapp.domain.people.keys import Scope
from webapp.http.context import services
from webapp.http.request_log import request_id
from webapp.texts.sentences import message, sentence, what_to_do

log = logging.getLogger("winux.api")

CONTENT_TYPE = "application/problem+json"
PREFIX = "/api/v1/problems/"


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its status, title and meaning."""

    status: int
    title: str
    meaning: str


KINDS: dict[str, Kind] = {
    "bad-json": Kind(
        400,
        "The body is not JSON",
        "The body cannot be read: broken JSON, a name that comes twice in an object, NaN or "
        "Infinity, half a surrogate pair, a NUL, or nesting that is too deep.",
    ),
    "bad-request": Kind(
        400, "The request cannot be read", "Something about the request itself is broken."
    ),
    "csrf": Kind(
        400,
        "The CSRF token is missing",
        "A browser's sign-in may only change something with the token of one of its pages, in the "
        "header X-CSRFToken. Programs use a key and need none.",
    ),
    "unauthorized": Kind(
        401,
        "Nobody is signed in",
        "The request shows no key, or one that is unknown, revoked, expired, or whose person is "
        "suspended.",
    ),
    "forbidden": Kind(
        403,
        "Not for this person",
        "The role does not allow this, or it needs a sign-in instead of a key.",
    ),
    "scope": Kind(
        403,
        "The key may not do this",
        "The key has not the scope that this needs: read, launch or admin.",
    ),
    "not-found": Kind(
        404,
        "There is no such thing",
        "The address is wrong, or it names something that is gone or somebody else's.",
    ),
    "method-not-allowed": Kind(
        405, "Not with this method", "The header Allow names the methods of this address."
    ),
    "conflict": Kind(
        409,
        "Somebody else changed it",
        "It was changed at the same moment. Read it again and repeat what you did.",
    ),
    "refused": Kind(
        409, "A rule says no", "Nothing is broken; `reason` is the rule, `detail` says what to do."
    ),
    "not-ready": Kind(
        409, "The session is not ready", "It is still being made, or it is over already."
    ),
    "ended": Kind(409, "The session is over", "It ended or is ending; launch another."),
    "expired": Kind(409, "The session's time is up", "It ends now and cannot be extended."),
    "longest": Kind(
        409, "The session has its longest time", "Its template allows no more; launch another."
    ),
    "no-pause": Kind(409, "It cannot be paused", "Its template does not allow that."),
    "paused": Kind(409, "The session is paused", "Resume it first; its files are kept."),
    "not-paused": Kind(409, "It is not paused", "There is nothing to resume."),
    "full": Kind(409, "The site is full", "All desktops of the site are in use."),
    "idempotency-in-flight": Kind(
        409,
        "The first request is still being answered",
        "A request with this Idempotency-Key is under way. Repeat yours in a moment.",
    ),
    "precondition-failed": Kind(
        412,
        "It is not as you saw it",
        "It changed since the ETag that If-Match names. Read it again and decide anew.",
    ),
    "too-large": Kind(413, "The body is too large", "A body has at most 64 KiB."),
    "unsupported-media-type": Kind(
        415, "Not with this content type", "Bodies are JSON: Content-Type: application/json."
    ),
    "invalid-input": Kind(
        422,
        "A value cannot be used",
        "`errors` names each value: a member of the body as a JSON pointer, or a parameter.",
    ),
    "idempotency-key-reused": Kind(
        422,
        "The Idempotency-Key was used for something else",
        "A key belongs to one request for 24 hours. Make a new one for another request.",
    ),
    "limit-reached": Kind(
        429,
        "As many sessions as one may have",
        "`running` are those that count, `suggested_actions` the ways out: send the same request "
        'with "reuse": true for reuse_existing, or with "make_room" and one of the others.',
    ),
    "too-many": Kind(429, "Too often", "Retry-After says when it may work again."),
    "resting": Kind(
        429, "The template rests", "It failed several times in a row; it is tried again later."
    ),
    "no-room": Kind(429, "There is no room", "The nodes have no memory left for another desktop."),
    "internal": Kind(
        500,
        "Something went wrong on our side",
        "It may not have happened. `request_id` finds it in the log.",
    ),
    "unavailable": Kind(
        503, "The site has a problem right now", "Nothing was changed. Try again in a moment."
    ),
}


@dataclass(eq=False)
class Problem(Exception):
    """Raised to answer a request with a problem document."""

    slug: str
    detail: str = ""
    what_to_do: str = ""
    more: Mapping[str, object] = field(default_factory=dict)
    """Additional members."""
    headers: Mapping[str, str] = field(default_factory=dict)


class Mistake(ResponseBody):
    """One value that cannot be used: a member of the body, or a parameter."""

    detail: str
    pointer: str | UnsetType = UNSET
    """JSON pointer into the body."""
    parameter: str | UnsetType = UNSET
    """Name of a query parameter or header."""


class ProblemBody(ResponseBody):
    """RFC 9457 problem details; some kinds have more members."""

    type: str
    """Identifies the kind of problem, and links to its meaning."""
    title: str
    status: int
    detail: str
    what_to_do: str
    request_id: str
    """The id of the request in the log."""
    reason: str | UnsetType = UNSET
    """The rule that refuses the request."""
    errors: list[Mistake] | UnsetType = UNSET
    needed_scope: Scope | UnsetType = UNSET


class RunningSession(ResponseBody):
    """A session that counts against a limit."""

    session_sub: SessionId
    template: str
    launched_at: Moment
    age_seconds: int
    expires_at: Moment | None


class LimitReachedBody(ProblemBody):
    """The problem of a reached limit: the sessions that count, and the ways out."""

    limit: int | UnsetType = UNSET
    running: list[RunningSession] | UnsetType = UNSET
    """Oldest first."""
    stopping: int | UnsetType = UNSET
    """The number of sessions that still count because they are stopping."""
    suggested_actions: list[str] | UnsetType = UNSET
    """`reuse_existing`, `close_oldest`, `close_session:<id>`."""
    can_reuse: bool | UnsetType = UNSET
    reusable_session_id: SessionId | UnsetType | None = UNSET


#: Seconds until a launch can be retried while a desktop is still stopping.
STOPPING_S = 5.0


def is_for_program() -> bool:
    """Whether the request is for the API, so that every response is JSON."""
    return request.path.startswith("/api/")


def respond(problem: Problem) -> Response:
    """Return the response for a problem, always as JSON."""
    kind = KINDS[problem.slug]
    body = {
        "type": type_url(problem.slug),
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail or kind.meaning,
        "what_to_do": problem.what_to_do,
        "request_id": request_id(),
        **problem.more,
    }
    if request.path.startswith(OLDER):  # clients of the older services read these two members
        body |= {"success": False, "error": body["detail"]}
    return Response(
        msgspec.json.encode(body), kind.status, dict(problem.headers), content_type=CONTENT_TYPE
    )


def type_url(slug: str) -> str:
    """Return the URL that identifies and explains a kind of problem."""
    return services().config.public_url + PREFIX + slug


def problem_of(error: Exception) -> Problem:
    """Return the problem for any exception; log those that are faults of the portal."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, CSRFError):
        return Problem("csrf", str(error.description))
    if isinstance(error, WinuxError):
        return _of_ours(error)
    if isinstance(error, HTTPException) and (error.code or 500) < 500:
        return _of_http(error)
    log.error("Request failed", exc_info=error, extra={"request": request_id()})
    return Problem("internal", what_to_do="Try again; if it stays, tell the administrator.")


#: The kind of problem for each status that werkzeug raises.
_OF_STATUS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    412: "precondition-failed",
    413: "too-large",
    415: "unsupported-media-type",
}


def _of_http(error: HTTPException) -> Problem:
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    return Problem(_OF_STATUS.get(error.code or 400, "bad-request"), headers=headers)


def _of_ours(error: WinuxError) -> Problem:
    if isinstance(error, Refused):
        return _refusal(error)
    if isinstance(error, NotFound):
        return Problem("not-found", message(error), what_to_do(error))
    if isinstance(error, Stale):
        return Problem("precondition-failed", message(error))
    if isinstance(error, Conflict):
        return Problem("conflict", message(error), what_to_do(error))
    if isinstance(error, OutsideFailed):
        log.error("Request failed: %s", error, extra={"request": request_id()})
        return Problem("unavailable", headers={"Retry-After": "10"})
    log.error("Request failed", exc_info=error, extra={"request": request_id()})
    return Problem("internal")


def _refusal(error: Refused) -> Problem:
    if isinstance(error, LimitReached):
        return _limit(error)
    if isinstance(error, BadInput):
        return invalid(f"/{error.field}", sentence(error))
    more: dict[str, object] = {"reason": error.reason}
    if isinstance(error, TooMany):
        slug = _slug(error.reason, "too-many")
        headers = retry_after(error.retry_after.total_seconds())
        return Problem(slug, message(error), what_to_do(error), more, headers)
    slug = "forbidden" if error.reason == "forbidden" else _slug(error.reason, "refused")
    return Problem(slug, message(error), what_to_do(error), more)


def _slug(reason: str, otherwise: str) -> str:
    """Return the kind with the same name as the reason, if there is one."""
    slug = reason.replace("_", "-")
    return slug if slug in KINDS else otherwise


def invalid(pointer: str, detail: str, *, parameter: str | None = None) -> Problem:
    """Return the problem for an invalid value: a member of the body, or a parameter."""
    where = {"parameter": parameter} if parameter else {"pointer": pointer}
    error = {**where, "detail": detail}
    return Problem("invalid-input", detail, "Mend it and send it again.", {"errors": [error]})


def retry_after(seconds: float) -> dict[str, str]:
    """Return the Retry-After header, in whole seconds, at least one."""
    return {"Retry-After": str(max(1, int(seconds) + 1))}


def _limit(error: LimitReached) -> Problem:
    now = services().clock.now()
    running = [
        {
            "session_sub": one.public_id,
            "template": one.template,
            "launched_at": one.launched_at,
            "age_seconds": max(0, int((now - one.launched_at).total_seconds())),
            "expires_at": one.ends_at,
        }
        for one in error.running
    ]
    same = [one.public_id for one in error.running if one.template == error.template]
    ends = [one.ends_at for one in error.running if one.ends_at]
    wait = (min(ends) - now).total_seconds() if ends else 60.0
    if error.stopping:
        wait = STOPPING_S
    return Problem(
        "limit-reached",
        message(error),
        what_to_do(error),
        {
            "reason": error.reason,
            "limit": error.limit,
            "running": running,
            "stopping": error.stopping,
            "suggested_actions": list(error.suggested_actions),
            "can_reuse": bool(same),
            "reusable_session_id": same[-1] if same else None,
        },
        retry_after(wait),
    )
