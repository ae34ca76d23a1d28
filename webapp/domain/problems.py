"""The kinds of problem that the API and the gateway's event streams report, as RFC 9457 types.

docs/api/problems.md documents them, and so does `/api/v1/problems/<slug>`, the URL in every
`type`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem: its HTTP status, its title and what it means."""

    status: int
    title: str
    meaning: str


KINDS: dict[str, ProblemKind] = {
    "bad-json": ProblemKind(
        400,
        "Invalid JSON",
        "The body is not valid JSON: it has a syntax error, a name that occurs twice in an "
        "object, NaN or Infinity, an unpaired surrogate, a NUL character, or too deep nesting.",
    ),
    "bad-request": ProblemKind(400, "Bad request", "The request is malformed."),
    "csrf": ProblemKind(
        400,
        "CSRF token missing or invalid",
        "A request with a browser's sign-in that changes something must have the token of one of "
        "the portal's pages in the header X-CSRFToken. Programs use an API key and need no token.",
    ),
    "unauthorized": ProblemKind(
        401,
        "Authentication required",
        "The request has no API key, or the key is unknown, revoked or expired, or its person is "
        "suspended.",
    ),
    "forbidden": ProblemKind(
        403,
        "Forbidden",
        "The person's role does not allow this, or it needs a sign-in instead of an API key.",
    ),
    "scope": ProblemKind(
        403,
        "Insufficient scope",
        "The key lacks the scope that this request needs: read, launch or admin.",
    ),
    "not-found": ProblemKind(
        404,
        "Not found",
        "The URL is wrong, or it names something that no longer exists or that belongs to another "
        "person.",
    ),
    "method-not-allowed": ProblemKind(
        405, "Method not allowed", "The header Allow lists the methods of this URL."
    ),
    "conflict": ProblemKind(
        409,
        "Conflict",
        "Another request changed it at the same moment. Read it again and repeat the request.",
    ),
    "refused": ProblemKind(
        409,
        "Refused by a rule",
        "The request is valid, but a rule refuses it: `reason` is the rule, `detail` explains it.",
    ),
    "not-ready": ProblemKind(
        409, "Session not ready", "The session is still being made, or it has ended."
    ),
    "ended": ProblemKind(
        409, "Session ended", "The session has ended or is ending. Launch another one."
    ),
    "expired": ProblemKind(
        409, "Session expired", "The session's time is over; it ends now and cannot be extended."
    ),
    "longest": ProblemKind(
        409,
        "Maximum duration reached",
        "The template does not allow a longer session. Launch another one.",
    ),
    "no-pause": ProblemKind(
        409, "Pausing not allowed", "The session's template does not allow pausing."
    ),
    "paused": ProblemKind(409, "Session paused", "Resume the session first; its files are kept."),
    "not-paused": ProblemKind(409, "Session not paused", "Only a paused session can be resumed."),
    "full": ProblemKind(409, "Site full", "All desktops of the site are in use."),
    "idempotency-in-flight": ProblemKind(
        409,
        "Request in progress",
        "The first request with this Idempotency-Key is still being processed. Repeat the request "
        "in a moment.",
    ),
    "precondition-failed": ProblemKind(
        412,
        "Precondition failed",
        "The resource has changed since the ETag in If-Match. Read it again before you repeat the "
        "request.",
    ),
    "too-large": ProblemKind(413, "Payload too large", "A body may have at most 64 KiB."),
    "unsupported-media-type": ProblemKind(
        415, "Unsupported media type", "Bodies are JSON: Content-Type: application/json."
    ),
    "invalid-input": ProblemKind(
        422,
        "Invalid value",
        "`errors` names each invalid value: a member of the body as a JSON pointer, or a "
        "parameter.",
    ),
    "idempotency-key-reused": ProblemKind(
        422,
        "Idempotency-Key reused",
        "The key was used for a different request within the last 24 hours. Use a new key.",
    ),
    "limit-reached": ProblemKind(
        429,
        "Session limit reached",
        "`running` lists the sessions that count, `suggested_actions` the ways to proceed: repeat "
        'the request with "reuse": true for reuse_existing, or with "make_room" and one of the '
        "other actions.",
    ),
    "too-many": ProblemKind(
        429, "Rate limit exceeded", "The header Retry-After says when to try again."
    ),
    "resting": ProblemKind(
        429,
        "Template cooling down",
        "The template failed several times in a row and accepts no launches for a while.",
    ),
    "no-room": ProblemKind(
        429, "No capacity", "The nodes do not have enough free memory for another desktop."
    ),
    "internal": ProblemKind(
        500,
        "Internal error",
        "The request may not have been carried out. `request_id` identifies it in the log.",
    ),
    "unavailable": ProblemKind(
        503, "Service unavailable", "Nothing was changed. Try again in a moment."
    ),
}
