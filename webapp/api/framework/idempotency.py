"""Idempotency-Key: a client without a response can repeat its request, which is done only once."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from flask import g, request

from webapp.api.framework.access import caller
from webapp.api.framework.answer import Answer
from webapp.api.framework.problem import Problem, invalid
from webapp.domain.errors import Conflict, NotFound, Refused
from webapp.http.context import services
from webapp.services.idempotency import Done, Turn

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST = 255
FORM = re.compile(f"[!-~]{{1,{LONGEST}}}")

#: Makes the answer to a repeated request from the first one's reference and the arguments.
Replay = Callable[..., Answer]


def once(work: Callable[..., Answer], again: Replay, arguments: dict[str, Any]) -> Answer:
    """Run `work` once for all requests with the same key; return its answer, or a replay."""
    key = request.headers.get(HEADER)
    if key is None:
        return work(**arguments)
    if not FORM.fullmatch(key):
        raise invalid("", f"{HEADER} takes 1 to {LONGEST} plain characters.", parameter=HEADER)
    turn = services().repeats.begin(caller().person_id, key, _mark())
    if turn.done:
        return _replayed(again, turn.done, arguments)
    return _first(turn, work, arguments)


def launch_token() -> str:
    """Return a token for this launch, the same for all requests with one key."""
    turn = cast(Turn | None, g.get("turn"))
    return turn.token if turn else secrets.token_urlsafe(24)


def _first(turn: Turn, work: Callable[..., Answer], arguments: dict[str, Any]) -> Answer:
    g.turn = turn
    try:
        answer = work(**arguments)
    except (Problem, Refused, NotFound, Conflict):
        services().repeats.forget(turn)
        raise
    services().repeats.finish(turn, answer.status, answer.reference)
    return answer


def _replayed(again: Replay, done: Done, arguments: dict[str, Any]) -> Answer:
    answer = again(done.reference, **arguments)
    return replace(answer, status=done.status, headers={**answer.headers, REPLAYED: "true"})


def _mark() -> bytes:
    """Return what two requests must share to count as the same."""
    return b"\n".join([request.method.encode(), request.path.encode(), request.get_data()])
