"""The event streams of the API, which the gateway serves (webapp/gateway/events/streams.py).

They are declared here only for the OpenAPI document; docs/api/events.md describes the events.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webapp.api.framework.operation import Reply
from webapp.api.framework.schema import SessionId

CONTENT_TYPE = "text/event-stream"
EXAMPLE = (
    "id: desktop-1a2b3c4d:ready:1772442004000:0:41\n"
    "event: state\n"
    'data: {"session_sub": "desktop-1a2b3c4d", "status": "ready", '
    '"status_since": "2026-03-02T09:00:04Z", "expires_at": "2026-03-02T10:00:04Z", '
    '"end_reason": null}\n\n'
)


@dataclass(frozen=True)
class Stream:
    """One path that streams events."""

    name: str
    path: str
    summary: str
    description: str
    answers: Mapping[int, Reply]
    problems: tuple[str, ...]
    path_kinds: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Request headers and their descriptions."""


_EVENTS = Reply(None, "Events until the end.", content_type=CONTENT_TYPE, text_example=EXAMPLE)
_OF_ALL = ("unauthorized", "too-many", "unavailable")

STREAMS = (
    Stream(
        name="follow_session",
        path="/sessions/{session_sub}/events",
        summary="Follow a session",
        description="Each step, state and deadline, as Server-Sent Events, from the present to the "
        "end of the session.",
        answers={200: _EVENTS, 204: Reply(None, "It was told to its end; nothing follows.")},
        problems=("not-found", *_OF_ALL),
        path_kinds={"session_sub": SessionId},
        headers={"Last-Event-ID": "The id of the last event heard: what was missed comes first."},
    ),
    Stream(
        name="follow_sessions",
        path="/events",
        summary="Follow all of one's own sessions",
        description="As Server-Sent Events, from the present on, new sessions too.",
        answers={200: _EVENTS},
        problems=_OF_ALL,
    ),
)
