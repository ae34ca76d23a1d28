"""What a desktop may answer: one strict schema, checked before any task sees a value.

Whoever is root in a desktop writes these bytes. An unknown name is dropped (a name such as
`ansible_facts` in a task's result would set variables of the play), a wrong type or form refuses
the whole answer, and what can be computed here is computed, not believed.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from collections.abc import Callable
from typing import Any

#: Bytes of an answer that are read, and how deep its brackets may go. An honest one has 2 kB.
LARGEST = 64 * 1024
DEEPEST = 16
LONGEST_REFUSAL = 300

PEM = re.compile(
    r"\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,20000}-----END CERTIFICATE-----\s*"
)
USERNAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
#: A password that a desktop made: printable ASCII without spaces.
PASSWORD = re.compile(r"[!-~]{1,64}")
#: The year 9999; longer numbers are no time.
LAST_EPOCH = 253_402_300_799
LONGEST_WAIT_S = 3600


class Garbled(ValueError):
    """The answer is not one that winux-guest gives; the text says what is wrong with it."""


def parse(data: bytes, kind: str) -> dict[str, Any]:
    """The answer to a request of this kind (its `do`), or {"error": text}; raises Garbled."""
    answer = _decode(data)
    if "error" in answer:
        return {"error": _line(answer["error"])}
    parsed = {
        name: check(answer[name])
        for name, check in ANSWERS[kind].items()
        if answer.get(name) is not None
    }
    return parsed | _certificate(answer) if kind in SAY_WHO_THEY_ARE else parsed


def _decode(data: bytes) -> dict[str, Any]:
    if len(data) >= LARGEST:
        raise Garbled(f"it is longer than {LARGEST} bytes")
    if _depth(data) > DEEPEST:
        raise Garbled("it is nested too deep")
    try:
        answer = json.loads(data.decode(), parse_constant=_no_number)
    except ValueError as error:
        raise Garbled("it is not JSON") from error
    if not isinstance(answer, dict):
        raise Garbled("it is not a JSON object")
    return answer


def _depth(data: bytes) -> int:
    """How many brackets are open at once, at most; those in texts count, too."""
    depth = deepest = 0
    for byte in data:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _no_number(word: str) -> None:
    raise ValueError(word)


def _line(value: Any) -> str:
    """A refusal in the desktop's own words: one line, only printable characters."""
    if not isinstance(value, str):
        raise Garbled("its error is no text")
    return "".join(one if one.isprintable() else " " for one in value[:LONGEST_REFUSAL])


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Garbled("a flag is no boolean")
    return value


def _text(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Garbled("a text has not the form that it must have")
        return value

    return check


def _number(last: int) -> Callable[[Any], int | float]:
    def check(value: Any) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= last:
            raise Garbled("a number is out of range")
        return value

    return check


def _epoch(value: Any) -> int:
    if not isinstance(value, int):
        raise Garbled("a time is no whole number")
    return int(_number(LAST_EPOCH)(value))


def _certificate(answer: dict[str, Any]) -> dict[str, str]:
    """The certificate in one canonical form, and its fingerprint as computed here."""
    pem = answer.get("rdp_certificate_pem")
    try:
        der = ssl.PEM_cert_to_DER_cert(_text(PEM)(pem).strip())
    except ValueError as error:
        raise Garbled("its certificate is no certificate") from error
    return {
        "rdp_certificate_sha256": hashlib.sha256(der).hexdigest(),
        "rdp_certificate_pem": ssl.DER_cert_to_PEM_cert(der),
    }


_IDENTITY: dict[str, Callable[[Any], Any]] = {
    "changed": _flag,
    "username": _text(USERNAME),
    "password": _text(PASSWORD),
    "deadline_epoch": _epoch,
}
#: Requests whose answer must hold the desktop's certificate.
SAY_WHO_THEY_ARE = frozenset({"personalise", "assign"})
ANSWERS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "personalise": _IDENTITY,
    "assign": _IDENTITY,
    "deadline": {"changed": _flag},
    "try_session": {"seconds": _number(LONGEST_WAIT_S)},
}
