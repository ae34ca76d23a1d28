"""Origins (scheme, host and optional port) in the form that browsers send."""

import re
from collections.abc import Collection, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_HOST = 253
_DEVIATIONS = "\u00df\u03c2\u200c\u200d"
"""Browsers and Python encode these letters differently, so hosts with them are refused."""


def normal_origin(parts: SplitResult) -> str:
    """Returns `scheme://host[:port]` of a URL: lower case, ASCII, without the default port.

    Raises ValueError, with the cause as its text, for a URL that no browser sends as an `Origin`.
    """
    if parts.username is not None or parts.password is not None:
        raise ValueError("it must not hold a user name or password")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("its port is not a number from 1 to 65535")
    host = normal_host(parts.hostname or "")
    shown = "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def normal_host(text: str) -> str:
    """Returns a name in lower-case ASCII, an IPv4 address, or an IPv6 address in brackets.

    Raises ValueError with the cause as its text.
    """
    if ":" in text:
        return f"[{_ipv6(text)}]"
    name = _ascii(text).lower()
    if len(name) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError(f"{text!r} is not the name or address of a host")
    if name.rpartition(".")[2].isdigit():
        return _ipv4(name)
    return name


def split_url(text: str) -> SplitResult:
    """Splits a URL; the scheme is in lower case. Raises ValueError with the cause as its text."""
    if any(letter.isspace() for letter in text):
        raise ValueError("it has a space in it")
    try:
        parts = urlsplit(text)
        _ = parts.hostname
    except ValueError as error:
        raise ValueError("its host is damaged") from error
    return parts


def foreign_origin(headers: Mapping[str, str], own: Collection[str]) -> str:
    """Returns the origin of the page that sent a request; empty if it is in `own` or unknown.

    The names in `headers` are in lower case. Browsers send the origin with each form; if an add-on
    removes it, `Sec-Fetch-Site` or the `Referer` is used instead.
    """
    origin = headers.get("origin", "")
    if origin and origin != "null":
        return "" if origin in own else origin
    if site := headers.get("sec-fetch-site", ""):
        return "" if site in {"same-origin", "none"} else f"{origin or 'another site'} ({site})"
    if origin:
        return origin
    referer = headers.get("referer", "")
    page = "://".join(urlsplit(referer)[:2]) if referer else ""
    return "" if not page or page in own else page


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    try:
        if any(letter in _DEVIATIONS for letter in name):
            raise UnicodeError
        return name.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(
            f"{name!r} has letters that are not ASCII; write it as browsers send it (xn--…)"
        ) from error


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError as error:
        raise ValueError(f"{text!r} is not an IPv4 address") from error


def _ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except AddressValueError as error:
        raise ValueError(f"{text!r} is not an IPv6 address") from error
    if address.scope_id:
        raise ValueError("an address with a zone works on one machine alone")
    return str(address)
