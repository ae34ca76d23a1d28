"""Refusals and failures as RFC 9457 problem details: what happened, and what to do.

`webapp/domain/problems.py` is the catalogue of kinds.
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
from webapp.domain.problems import KINDS
from webapp.http.context import services
from webapp.http.request_log import request_id
from webapp.texts.sentences import message, sentence, what_to_do

log = logging.getLogger("winux.api")

CONTENT_TYPE = "application/problem+json"
PREFIX = "/api/v1/problems/"


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
    return Problem("internal", what_to_do="Try again. If it fails again, tell the administrator.")


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
    return Problem(
        "invalid-input", detail, "Correct it and send the request again.", {"errors": [error]}
    )


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
