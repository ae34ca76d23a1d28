"""The OpenAPI 3.1 document, generated from the declared operations, so it cannot differ."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from apispec import APISpec

from webapp.api.framework import problem
from webapp.api.framework.answer import CONTENT_TYPE
from webapp.api.framework.base_paths import OLDER, V1
from webapp.api.framework.operation import OPERATIONS, Operation, Reply
from webapp.api.framework.problem import LimitReachedBody, ProblemBody
from webapp.api.streams import STREAMS, Stream
from webapp.domain.people.keys import Scope
from webapp.domain.problems import KINDS

VERSION = "1.0"
REF = "#/components/schemas/{name}"

ABOUT = """\
Everything a program can do with Winux: launch desktops (here called *sessions*), follow, extend,
connect to and stop them, and for administrators everybody's.

Show an API key as `X-API-Key: wx_…` or `Authorization: Bearer wx_…`. Refusals are problem details
(RFC 9457) with a stable `type`, and say what to do."""

ABOUT_OLDER = """\
The paths and fields of the services that Winux replaces, for programs that were written for them.
New programs use `/api/v1`, which can do more.

Show an API key as `X-API-Key: wx_…` or `Authorization: Bearer wx_…`. Refusals are problem details
(RFC 9457) with two more members: `success` is false, and `error` is the same text as `detail`."""

TAGS_OLDER = {"older": "Launch, list and remove desktops."}

TAGS = {
    "sessions": "Desktops that somebody launched.",
    "events": "What happens to sessions, as it happens.",
    "templates": "What desktops are made from, and how many more fit.",
    "connections": "Who is connected to what.",
    "me": "Oneself, and one's API keys.",
    "people": "Accounts, for administrators.",
    "site": "The site itself: is it well, what does it do.",
}

#: Problems of all operations that authenticate the caller, of all operations, of operations
#: with Idempotency-Key, and of those with a body.
OF_CALLERS = ("unauthorized", "scope", "too-many")
OF_ALL = ("internal", "unavailable")
OF_REPEATS = ("idempotency-in-flight", "idempotency-key-reused")
OF_BODIES = ("bad-json", "unsupported-media-type", "too-large", "invalid-input")

#: Each of the three ways to authenticate is enough (`components.securitySchemes`).
SECURITY: list[dict[str, list[str]]] = [{"key": []}, {"bearer": []}, {"cookie": []}]


@cache
def document(public_url: str, events_url: str, base: str = V1) -> bytes:
    """Return the document of one API as JSON, for the portal and its events at these addresses."""
    operations = [one for one in OPERATIONS if one.base == base]
    tags = TAGS_OLDER if base == OLDER else TAGS
    spec = APISpec(
        title="Winux",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": ABOUT_OLDER if base == OLDER else ABOUT},
        servers=[{"url": public_url + base}],
        tags=[{"name": name, "description": words} for name, words in tags.items()],
    )
    _add_schemes(spec)
    for name, schema in _schemas(operations).items():
        spec.components.schema(name, schema)
    for one in operations:
        spec.path(path=one.path, operations={one.method.lower(): _operation(one)})
    for stream in STREAMS if base == V1 else ():
        spec.path(path=stream.path, operations={"get": _stream(stream, events_url)})
    return msgspec.json.format(msgspec.json.encode(spec.to_dict()), indent=1)


def _add_schemes(spec: APISpec) -> None:
    components = spec.components
    components.security_scheme("key", {"type": "apiKey", "in": "header", "name": "X-API-Key"})
    components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    components.security_scheme(
        "cookie",
        {
            "type": "apiKey",
            "in": "cookie",
            "name": "winux",
            "description": "A browser's sign-in; what changes something needs X-CSRFToken too.",
        },
    )


def _operation(one: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": _description(one),
        "tags": [one.tag],
        "parameters": list(_parameters(one)),
        "responses": {str(status): _answer(told) for status, told in one.answers.items()}
        | _problems(_slugs(one)),
        "security": [] if one.scope is None else SECURITY,
    }
    if one.scope is not None:
        told["x-scope"] = one.scope
    if one.body:
        told["requestBody"] = _body(one, one.body)
    return told


def _stream(one: Stream, events_url: str) -> dict[str, Any]:
    headers = [
        {"name": name, "in": "header", "description": words, "schema": {"type": "string"}}
        for name, words in one.headers.items()
    ]
    return {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"{one.description} Needs the scope `{Scope.READ}`.",
        "tags": ["events"],
        "servers": [{"url": events_url + "/api/v1"}],
        "parameters": [*_path_parameters(one.path_kinds), *headers],
        "responses": {str(status): _answer(told) for status, told in one.answers.items()}
        | _problems(one.problems),
        "security": SECURITY,
        "x-scope": Scope.READ,
    }


def _description(one: Operation) -> str:
    scope = f"Needs the scope `{one.scope}`." if one.scope else "Anybody may call it."
    return f"{one.description} {scope}".strip()


def _body(one: Operation, kind: type[msgspec.Struct]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": _reference(kind)}
    if one.body_example is not None:
        content["example"] = one.body_example
    return {"required": _is_needed(kind), "content": {CONTENT_TYPE: content}}


def _is_needed(kind: type[msgspec.Struct]) -> bool:
    return any(field.required for field in msgspec.structs.fields(kind))


def _answer(told: Reply) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": told.words}
    if told.headers:
        answer["headers"] = {
            name: {"description": words, "schema": {"type": "string"}}
            for name, words in told.headers.items()
        }
    if told.kind:
        content: dict[str, Any] = {"schema": _reference(told.kind)}
        if told.example is not None:
            content["example"] = told.example
        answer["content"] = {told.content_type: content}
    elif told.is_any_json:
        answer["content"] = {CONTENT_TYPE: {"schema": {"type": "object"}}}
    elif told.content_type != CONTENT_TYPE:
        text: dict[str, Any] = {"schema": {"type": "string"}}
        if told.text_example:
            text["example"] = told.text_example
        answer["content"] = {told.content_type: text}
    return answer


def _problems(slugs: Iterable[str]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for slug in slugs:
        by_status.setdefault(KINDS[slug].status, []).append(slug)
    return {str(status): _refusal(kinds) for status, kinds in sorted(by_status.items())}


def _slugs(one: Operation) -> Iterable[str]:
    found = [*one.problems]
    if one.scope is not None:
        found += OF_CALLERS
        if one.scope is Scope.ADMIN:
            found.append("forbidden")
        if one.method != "GET":
            found.append("csrf")
    if one.body:
        found += OF_BODIES
    if one.again:
        found += OF_REPEATS
    found.append("invalid-input")  # for unknown parameters
    return dict.fromkeys([*found, *OF_ALL])


def _refusal(slugs: list[str]) -> dict[str, Any]:
    kinds = " ".join(f"`{slug}`: {KINDS[slug].title}." for slug in slugs)
    headers: dict[str, Any] = {}
    if KINDS[slugs[0]].status in (429, 503):
        headers["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}
        }
    kind = LimitReachedBody if "limit-reached" in slugs else ProblemBody
    return {
        "description": kinds,
        **headers,
        "content": {problem.CONTENT_TYPE: {"schema": _reference(kind)}},
    }


def _parameters(one: Operation) -> Iterable[dict[str, Any]]:
    yield from _path_parameters(one.path_kinds)
    for field in msgspec.structs.fields(one.query) if one.query else ():
        schema = _inline(field.type)
        yield {
            "name": field.encode_name,
            "in": "query",
            "required": field.required,
            "schema": _without_null(schema),
        }
    if one.again:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Of your own making, for this one request: repeated within 24 hours, "
            "it is answered without being done again.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }
    if one.checks_match:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "description": "The ETag that you saw: else 412.",
            "schema": {"type": "string"},
        }


def _path_parameters(kinds: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for name, kind in kinds.items():
        yield {"name": name, "in": "path", "required": True, "schema": _inline(kind)}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema without null, which only stands for a missing parameter."""
    kinds = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    if not kinds:
        return schema
    return rest | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


def _inline(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    return schema


def _reference(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {"$ref": REF.format(name=kind.__name__)}


def _schemas(operations: Sequence[Operation]) -> Mapping[str, dict[str, Any]]:
    kinds: list[Any] = [ProblemBody, LimitReachedBody]
    for one in operations:
        kinds += [one.query, one.body, *(told.kind for told in one.answers.values())]
        kinds += [field.type for field in msgspec.structs.fields(one.query)] if one.query else []
    queries = {one.query.__name__ for one in operations if one.query}
    _, found = msgspec.json.schema_components(
        list(dict.fromkeys(kind for kind in kinds if kind)), ref_template=REF
    )
    for kind in {one.body for one in operations if one.body and one.body.NOT_BOTH}:
        found[kind.__name__]["not"] = {"required": list(kind.NOT_BOTH)}
    return {
        name: _portable(schema) for name, schema in sorted(found.items()) if name not in queries
    }


def _portable(schema: dict[str, Any]) -> dict[str, Any]:
    """Join the lines of the schema's description."""
    if "description" in schema:
        schema["description"] = re.sub(r"\s+", " ", schema["description"]).strip()
    return schema
