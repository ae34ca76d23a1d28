"""Declares the routes of the API; one declaration serves requests and documents the route."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast, get_type_hints

import msgspec
from flask import Blueprint, Response, current_app, request

from webapp.api.framework import access
from webapp.api.framework.answer import Answer, respond
from webapp.api.framework.base_paths import OLDER, V1
from webapp.api.framework.idempotency import Replay, once
from webapp.api.framework.problem import Problem
from webapp.api.framework.reading import read_body, read_path, read_query
from webapp.api.framework.schema import RequestBody
from webapp.domain.access import Action, needed_scope
from webapp.domain.people.keys import Scope
from webapp.http.access import by_scope

Work = Callable[..., Answer]
View = TypeVar("View", bound=Callable[..., Answer | Response])

BLUEPRINTS = {
    V1: Blueprint("api", __name__, url_prefix=V1),
    OLDER: Blueprint("older_api", __name__, url_prefix=OLDER),
}


@dataclass(frozen=True)
class Reply:
    """One response of an operation, for the OpenAPI document."""

    kind: type[msgspec.Struct] | None
    words: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names and descriptions."""
    example: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    text_example: str = ""
    """An example of a response that is not JSON."""
    is_any_json: bool = False
    """Whether the response is a JSON object without a structure of its own."""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    name: str
    base: str
    """The base path of its API (`base_paths`)."""
    method: str
    path: str
    tag: str
    action: Action | None
    """What it does, for `domain/access.py`; None allows any caller."""
    summary: str
    description: str
    answers: Mapping[int, Reply]
    problems: tuple[str, ...]
    """Kinds of problems that it can return, in addition to the common ones."""
    path_kinds: Mapping[str, Any]
    query: type[RequestBody] | None
    body: type[RequestBody] | None
    body_example: Mapping[str, Any] | None
    checks_match: bool
    """Whether it supports If-Match."""
    again: Replay | None
    """Answers a repeated request with the same Idempotency-Key; None if it ignores such keys."""

    @property
    def scope(self) -> Scope | None:
        """The scope that a key needs; None if no key is needed."""
        return None if self.action is None else needed_scope(self.action)


#: All operations, in the order of the OpenAPI document.
OPERATIONS: list[Operation] = []


def operation(
    method: str,
    path: str,
    *,
    base: str = V1,
    tag: str,
    action: Action | None,
    answers: Mapping[int, Reply],
    problems: tuple[str, ...] = (),
    body_example: Mapping[str, Any] | None = None,
    checks_match: bool = False,
    again: Replay | None = None,
) -> Callable[[View], View]:
    """Register a function for `method path`.

    `path` begins after `base`. The function's parameters are the `{name}` parts of the path,
    `query` and `body`; they are parsed and validated by their annotations before the call.
    """

    def declare(view: View) -> View:
        hints = get_type_hints(view, include_extras=True)
        names = re.findall(r"{(\w+)}", path)
        summary, _, description = (inspect.getdoc(view) or "").partition("\n")
        made = Operation(
            name=view.__name__,
            base=base,
            method=method,
            path=path,
            tag=tag,
            action=action,
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
    """Return the operation of a view function, or None."""
    return cast(Operation | None, getattr(view, "operation", None))


def check_access() -> None:
    """Check the action of every request but OPTIONS, whose automatic answers reveal nothing."""
    if request.method == "OPTIONS":
        return
    found = operation_of(current_app.view_functions[request.endpoint or ""])
    if found is None:
        raise Problem("forbidden")
    access.check(found.action)


for _blueprint in BLUEPRINTS.values():
    _blueprint.before_request(check_access)


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
    BLUEPRINTS[made.base].add_url_rule(rule, made.name, by_scope(call), methods=[made.method])


def _structure(hint: Any) -> type[RequestBody] | None:
    return cast("type[RequestBody] | None", hint)
