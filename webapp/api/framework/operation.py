"""What a route of the API is made of; the same declaration serves requests and documents itself."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast, get_type_hints

import msgspec
from flask import Blueprint, Response, current_app, request

from webapp.api.framework import access
from webapp.api.framework.answer import Answer, respond
from webapp.api.framework.idempotency import Again, once
from webapp.api.framework.problem import Problem
from webapp.api.framework.reading import read_body, read_path, read_query
from webapp.api.framework.schema import Sent
from webapp.domain.people.keys import Scope
from webapp.http.access import by_scope

Work = Callable[..., Answer]
View = TypeVar("View", bound=Callable[..., Answer | Response])

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


@dataclass(frozen=True)
class Reply:
    """One answer of an operation, for the document."""

    kind: type[msgspec.Struct] | None
    words: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names and what they say."""
    example: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    text_example: str = ""
    """Of an answer that is no JSON."""
    is_any_json: bool = False
    """Whether it is an object that no structure of ours describes."""


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    name: str
    method: str
    path: str
    tag: str
    scope: Scope | None
    """What a key must have; None: anybody may call it."""
    summary: str
    description: str
    answers: Mapping[int, Reply]
    problems: tuple[str, ...]
    """Kinds of problems that it answers, beside those that all have."""
    path_kinds: Mapping[str, Any]
    query: type[Sent] | None
    body: type[Sent] | None
    body_example: Mapping[str, Any] | None
    checks_match: bool
    """Whether it minds If-Match."""
    again: Again | None
    """Answers who repeats a request with the same Idempotency-Key; None: it minds no such key."""


#: All of them, in the order in which the document tells them.
OPERATIONS: list[Operation] = []


def operation(
    method: str,
    path: str,
    *,
    tag: str,
    scope: Scope | None,
    answers: Mapping[int, Reply],
    problems: tuple[str, ...] = (),
    body_example: Mapping[str, Any] | None = None,
    checks_match: bool = False,
    again: Again | None = None,
) -> Callable[[View], View]:
    """Make a function answer `method path`; `{name}` in the path, `query` and `body` are its
    parameters, read and checked by their annotations before it is called."""

    def declare(view: View) -> View:
        hints = get_type_hints(view, include_extras=True)
        names = re.findall(r"{(\w+)}", path)
        summary, _, description = (inspect.getdoc(view) or "").partition("\n")
        made = Operation(
            name=view.__name__,
            method=method,
            path=path,
            tag=tag,
            scope=scope,
            summary=summary.rstrip("."),
            description=" ".join(description.split()),
            answers=answers,
            problems=problems,
            path_kinds={name: hints[name] for name in names},
            query=_structure(hints.get("query")),
            body=_structure(hints.get("body")),
            body_example=body_example,
            checks_match=checks_match,
            again=again,
        )
        OPERATIONS.append(made)
        _route(made, view)
        return view

    return declare


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """What a view function of the API is, or None."""
    return cast(Operation | None, getattr(view, "operation", None))


@blueprint.before_request
def check_access() -> None:
    """Nobody gets further without the scope; automatic answers to OPTIONS tell nothing."""
    if request.method == "OPTIONS":
        return
    found = operation_of(current_app.view_functions[request.endpoint or ""])
    if found is None:
        raise Problem("forbidden")
    access.check(found.scope)


def _route(made: Operation, view: Callable[..., Answer | Response]) -> None:
    def call(**parts: str) -> Response:
        arguments: dict[str, Any] = {
            name: read_path(name, text, made.path_kinds[name]) for name, text in parts.items()
        }
        query = read_query(request.args, made.query)
        if made.query:
            arguments["query"] = query
        if made.body:
            arguments["body"] = read_body(request, made.body)
        if made.again:
            answer: Answer | Response = once(cast(Work, view), made.again, arguments)
        else:
            answer = view(**arguments)
        return respond(answer, request) if isinstance(answer, Answer) else answer

    call.operation = made  # type: ignore[attr-defined]  # functions take attributes
    rule = re.sub(r"{(\w+)}", r"<\1>", made.path)
    blueprint.add_url_rule(rule, made.name, by_scope(call), methods=[made.method])


def _structure(hint: Any) -> type[Sent] | None:
    return cast("type[Sent] | None", hint)
