"""Taking secrets out of text that is kept."""

import base64
import json
import shlex
from collections.abc import Iterable
from urllib.parse import quote

REDACTED = "[secret]"
#: Shorter values are no secrets of ours and would blank out ordinary words.
SHORTEST = 6


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of `secrets`, plain or as JSON, URL, shell word or base64 spell them."""
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
    """What `secret` looks like in base64 with `shift` (modulo 3) bytes before it: the characters
    that depend on it alone."""
    text = base64.b64encode(bytes(shift) + secret).decode().rstrip("=")
    first = (0, 2, 3)[shift]
    last = len(text) - (1 if (shift + len(secret)) % 3 else 0)
    return text[first:last]
