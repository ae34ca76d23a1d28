"""Removes secrets from text that is stored."""

import base64
import json
import shlex
from collections.abc import Iterable
from urllib.parse import quote

REDACTED = "[secret]"
#: Shorter values are not secrets of Winux, and would redact ordinary words.
SHORTEST = 6


def redact(text: str, secrets: Iterable[str]) -> str:
    """Returns `text` without `secrets`, in plain, JSON, URL, shell or base64 form."""
    spellings = {one for secret in secrets if len(secret) >= SHORTEST for one in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, REDACTED)
    return text


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        shlex.quote(secret),
        *(_inside_base64(secret.encode(), shift) for shift in range(3)),
    }


def _inside_base64(secret: bytes, shift: int) -> str:
    """Returns the base64 characters that depend on `secret` alone, with `shift` (modulo 3) bytes
    before it."""
    text = base64.b64encode(bytes(shift) + secret).decode().rstrip("=")
    first = (0, 2, 3)[shift]
    last = len(text) - (1 if (shift + len(secret)) % 3 else 0)
    return text[first:last]
