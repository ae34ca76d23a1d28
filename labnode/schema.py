"""Parameter descriptions and their verification, with Proxmox's order of checks and messages."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from labnode.errors import BadParameters

Values = dict[str, object]

MISSING = "property is missing and it is not optional"
UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
TRUE_WORDS, FALSE_WORDS = ("1", "on", "yes", "true"), ("0", "off", "no", "false")


@dataclass(frozen=True)
class Param:
    """One parameter; `format` names a check below, `parts` describes a `key=value,...` string."""

    type: str = "string"
    optional: bool = True
    format: str = ""
    parts: Mapping[str, Param] = field(default_factory=dict)
    default_key: bool = False
    enum: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    min_length: int = 0
    max_length: int | None = None
    pattern: str = ""
    requires: str = ""


def text(**more: object) -> Param:
    """A string parameter."""
    return Param(**more)  # type: ignore[arg-type]  # keyword names are checked by the dataclass


def integer(minimum: int | None = None, maximum: int | None = None, *, format: str = "") -> Param:
    """A whole number."""
    return Param("integer", minimum=minimum, maximum=maximum, format=format)


def choice(*words: str) -> Param:
    """One of a few words."""
    return Param(enum=words)


def required(param: Param) -> Param:
    """Return the same parameter, but required."""
    return Param(**{**vars(param), "optional": False})


FLAG = Param("boolean")
VMID = integer(100, 999999999, format="pve-vmid")

HOST_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?"
FORMATS: dict[str, tuple[str, str]] = {
    "pve-vmid": (r"[1-9][0-9]{2,8}", "value does not look like a valid VM ID"),
    "pve-node": (HOST_LABEL, "value does not look like a valid node name"),
    "dns-name": (
        rf"(?:{HOST_LABEL}\.)*{HOST_LABEL}",
        "value does not look like a valid DNS name",
    ),
    "pve-configid": (r"[a-zA-Z][\w\-]+", "invalid configuration ID '{value}'"),
    "pve-poolid": (
        r"[A-Za-z0-9.\-_]+(?:/[A-Za-z0-9.\-_]+){0,2}",
        "pool name '{value}' contains invalid characters",
    ),
    "pve-storage-id": (
        r"(?i:[a-z][a-z0-9\-_.]*[a-z0-9])",
        "storage ID '{value}' contains illegal characters",
    ),
    "pve-tag": (r"(?i:[a-z0-9_][a-z0-9_\-+.]*)", "invalid characters in tag"),
    "pve-userid": (
        r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+",
        "value '{value}' does not look like a valid user name",
    ),
    "pve-tokenid": (
        r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+![A-Za-z][A-Za-z0-9.\-_]+",
        "value '{value}' does not look like a valid token ID",
    ),
    "pve-roleid": (r"[A-Za-z0-9.\-_]+", "invalid role name '{value}'"),
    "pve-groupid": (r"[A-Za-z0-9.\-_]+", "group name '{value}' contains invalid characters"),
    "mac-addr": (
        r"(?i:[a-f0-9][02468ace](?::[a-f0-9]{2}){5})",
        "value does not look like a valid unicast MAC address",
    ),
    "disk-size": (r"\d+(?:\.\d+)?[KMGT]?", "invalid size format: {value}"),
}


def is_network(value: str, version: int, words: tuple[str, ...]) -> bool:
    """Whether this is one of `words` or an address with a prefix length."""
    if value in words:
        return True
    try:
        return "/" in value and ipaddress.ip_interface(value).version == version
    except ValueError:
        return False


def is_address(value: str, version: int) -> bool:
    """Whether this is an IP address of that version."""
    try:
        return ipaddress.ip_address(value).version == version
    except ValueError:
        return False


ADDRESS_FORMATS: dict[str, tuple[Callable[[str], bool], str]] = {
    "ipv4": (lambda value: is_address(value, 4), "value does not look like a valid IPv4 address"),
    "ipv6": (lambda value: is_address(value, 6), "value does not look like a valid IPv6 address"),
    "pve-ipv4-config": (
        lambda value: is_network(value, 4, ("dhcp", "manual")),
        "value does not look like a valid ipv4 network configuration",
    ),
    "pve-ipv6-config": (
        lambda value: is_network(value, 6, ("auto", "dhcp", "manual")),
        "value does not look like a valid ipv6 network configuration",
    ),
}


def split_list(value: object) -> list[str]:
    """Split a Proxmox list parameter at commas, semicolons, white space and NULs."""
    return [part for part in re.split(r"[,;\s\0]+", str(value or "")) if part]


def verify(given: Mapping[str, object], schema: Mapping[str, Param]) -> Values:
    """Check and convert request parameters; raise BadParameters with a message for each error."""
    values = {key: _join_list(value, _param(key, schema)) for key, value in given.items()}
    errors = {
        key: MISSING for key, param in schema.items() if not param.optional and key not in values
    }
    for key, value in values.items():
        param = _param(key, schema)
        problem = _problem(key, value, param) if param else UNKNOWN
        if problem:
            errors[key] = problem
        if param and param.requires and param.requires not in values:
            errors[param.requires] = f"missing property - '{key}' requires this property"
    if errors:
        raise BadParameters(errors)
    return {key: _convert(value, _param(key, schema)) for key, value in values.items()}


def parse_property_string(path: str, value: str, parts: Mapping[str, Param]) -> dict[str, str]:
    """Parse and check `a=1,b=2`; raise ValueError with Proxmox's message."""
    found: dict[str, str] = {}
    default = next((key for key, part in parts.items() if part.default_key), "")
    for piece in filter(None, value.split(",")):
        key, separator, content = piece.partition("=")
        if not separator:
            key, content = default, piece
            if not default:
                raise ValueError("value without key, but schema does not define a default key\n")
        if not content or not key:
            raise ValueError("missing key in comma-separated list property\n")
        if key in found:
            raise ValueError(f"duplicate key in comma-separated list property: {key}\n")
        if key not in parts:
            raise ValueError(f"invalid key in comma-separated list property: {key}\n")
        found[key] = _truth(content) if parts[key].type == "boolean" else content
    problems = _part_problems(path, found, parts)
    if problems:
        raise ValueError("format error\n" + "".join(f"{line}\n" for line in problems))
    return found


def _part_problems(path: str, found: dict[str, str], parts: Mapping[str, Param]) -> list[str]:
    problems = [
        f"{path}.{key}: {MISSING}"
        for key, part in parts.items()
        if not part.optional and key not in found
    ]
    for key, value in found.items():
        problem = _problem(f"{path}.{key}", value, parts[key])
        if problem:
            problems.append(f"{path}.{key}: {problem}")
    return problems


def _param(key: str, schema: Mapping[str, Param]) -> Param | None:
    return schema.get(key) or schema.get(re.sub(r"(?<=[a-z])(?:0|[1-9]\d{0,2})$", "[n]", key))


def _join_list(value: object, param: Param | None) -> object:
    """Join repeated keys to one list for formats that end in `-list` (no others, as in Proxmox)."""
    if isinstance(value, list) and param and param.format.endswith("-list"):
        return ",".join(map(str, value))
    return value


def _problem(path: str, value: object, param: Param) -> str:
    """Return the first problem of a value, or an empty string; a JSON null is always accepted."""
    if value is None:
        return ""
    wrong_type = _type_problem(value, param.type)
    if wrong_type:
        return wrong_type
    content = str(value)
    try:
        check_format(path, content, param)
    except ValueError as error:
        return f"invalid format - {error}"
    if param.pattern and not re.fullmatch(param.pattern, content):
        return "value does not match the regex pattern"
    if param.max_length is not None and len(content) > param.max_length:
        return f"value may only be {param.max_length} characters long"
    if len(content) < param.min_length:
        return f"value must be at least {param.min_length} characters long"
    return _range_problem(content, param)


def _type_problem(value: object, kind: str) -> str:
    got = f"'{_plain(value)}'"
    if isinstance(value, list | dict):
        got = "ARRAY" if isinstance(value, list) else "HASH"
    fits = {
        "string": r"(?s:.*)",
        "boolean": r"[01]",
        "integer": r"[+-]?\d+",
        "number": r"[+-]?\d+(?:\.\d*)?",
    }[kind]
    if isinstance(value, list | dict) or not re.fullmatch(fits, _plain(value)):
        return f"type check ('{kind}') failed - got {got}"
    return ""


def _range_problem(content: str, param: Param) -> str:
    if param.type in ("integer", "number"):
        if param.maximum is not None and float(content) > param.maximum:
            return f"value must have a maximum value of {param.maximum}"
        if param.minimum is not None and float(content) < param.minimum:
            return f"value must have a minimum value of {param.minimum}"
    if param.enum and content not in param.enum:
        words = ", ".join(param.enum)
        return f"value '{content}' does not have a value in the enumeration '{words}'"
    return ""


def check_format(path: str, content: str, param: Param) -> None:
    """Raise ValueError if a value does not have its parameter's format."""
    if param.parts:
        parse_property_string(path, content, param.parts)
        return
    name = param.format.removesuffix("-list")
    for item in split_list(content) if param.format.endswith("-list") else [content]:
        pattern, message = FORMATS.get(name, (r"(?s:.*)", ""))
        is_valid, address_message = ADDRESS_FORMATS.get(name, (lambda _: True, ""))
        if not re.fullmatch(pattern, item) or not is_valid(item):
            raise ValueError((message or address_message).format(value=item) + "\n")


def _plain(value: object) -> str:
    """Return a JSON value as Perl sees it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def _truth(word: str) -> str:
    return "1" if word.lower() in TRUE_WORDS else "0" if word.lower() in FALSE_WORDS else word


def _convert(value: object, param: Param | None) -> object:
    if value is None:
        return None
    if param is None or param.type == "string":
        return _plain(value)
    return float(_plain(value)) if param.type == "number" else int(_plain(value))
