"""Strict parsing of requests: JSON bodies, query parameters and parts of the path."""

import json
import math
import re
from functools import cache
from typing import Any, NoReturn, TypeVar, cast

import msgspec
from flask import Request
from msgspec.inspect import BoolType, IntType, Metadata, Type, UnionType, type_info
from werkzeug.datastructures import MultiDict

from webapp.api.framework.problem import Problem, invalid
from webapp.api.framework.schema import RequestBody

T = TypeVar("T", bound=RequestBody)
#: The place of the fault in the body, at the end of msgspec's message.
_PLACE = re.compile(r" - at `\$?(?P<place>.*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def read_body(request: Request, kind: type[T]) -> T:
    """Return the JSON body as a `kind`; a missing body counts as an empty object.

    Raises Problem: bad-json, unsupported-media-type or invalid-input.
    """
    data = request.get_data()
    if data and request.mimetype != "application/json":
        raise Problem("unsupported-media-type")
    value = parse_json(data) if data else {}
    try:
        body = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _invalid_member(str(error)) from None
    if kind.NOT_BOTH and all(name in value for name in kind.NOT_BOTH):
        raise invalid(f"/{kind.NOT_BOTH[0]}", f"Say {' or '.join(kind.NOT_BOTH)}, not both.")
    return body


def parse_json(data: bytes) -> Any:
    """Parse a JSON text; reject what parsers read in different ways.

    Raises Problem: bad-json.
    """
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_constant=_not_finite,
            parse_float=_number,
        )
        _check_text(value)
    except (ValueError, RecursionError) as error:
        raise Problem("bad-json", f"The body is not JSON: {_words(error)}.") from None
    return value


def read_query(arguments: "MultiDict[str, str]", kind: type[T] | None) -> T | None:
    """Return the query as a `kind`; reject repeated parameters. Raises Problem: invalid-input."""
    known = {one.encode_name: one for one in msgspec.structs.fields(kind)} if kind else {}
    values: dict[str, Any] = {}
    for name, texts in arguments.lists():
        if name not in known:
            raise invalid("", "There is no such parameter here.", parameter=name[:64])
        if len(texts) > 1:
            raise invalid("", f"{name} comes more than once.", parameter=name)
        values[name] = _parameter(name, texts[0], known[name].type)
    if kind is None:
        return None
    return msgspec.convert(values, kind)


def read_path(name: str, text: str, kind: Any) -> Any:
    """Return a part of the path as a `kind`. Raises Problem: not-found for an invalid value."""
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        raise Problem("not-found") from None


def _parameter(name: str, text: str, kind: Any) -> Any:
    try:
        _check_text(text)
        value = json.loads(text) if _is_plain(kind) and text in ("true", "false") else text
        is_number = _is_plain(kind) and re.fullmatch(r"-?[0-9]{1,18}", text)
        return msgspec.convert(int(text) if is_number else value, kind)
    except (msgspec.ValidationError, ValueError) as error:
        message = _PLACE.sub("", str(error))
        raise invalid("", f"{name}: {message}.", parameter=name) from None


@cache
def _is_plain(kind: Any) -> bool:
    """Whether it is an integer or a boolean, which is not a string in JSON."""
    found = _bare(type_info(kind))
    kinds = found.types if isinstance(found, UnionType) else (found,)
    return any(isinstance(_bare(one), IntType | BoolType) for one in kinds)


def _bare(kind: Type) -> Type:
    """Return the type without its metadata."""
    return kind.type if isinstance(kind, Metadata) else kind


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return found


def _not_finite(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _number(text: str) -> float | int:
    """Parse a number; 1.0 becomes the integer 1, as in JSON Schema."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large")
    return int(value) if value.is_integer() else value


def _check_text(value: Any) -> None:
    """Raise ValueError for text that no database accepts: NUL and lone surrogates."""
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("a text holds a NUL")
        value.encode()
    elif isinstance(value, dict):
        for name, one in cast(dict[str, Any], value).items():
            _check_text(name)
            _check_text(one)
    elif isinstance(value, list):
        for one in value:
            _check_text(one)


def _words(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    if isinstance(error, UnicodeError):
        return "a text is not UTF-8"
    return str(error)


def _invalid_member(message: str) -> Problem:
    found = _PLACE.search(message)
    pointer = "".join(f"/{a or b}" for a, b in _STEP.findall(found["place"])) if found else ""
    text = _PLACE.sub("", message)
    if unknown := _UNKNOWN.match(text):
        return invalid(f"{pointer}/{unknown['name']}", f"There is no member {unknown['name']}.")
    return invalid(pointer, f"{text}.")
