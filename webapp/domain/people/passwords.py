"""Names, passwords and tokens: what is accepted and how random ones are made."""

import hashlib
import re
import secrets
import unicodedata

from webapp.domain.errors import BadInput

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
#: Without the characters that people mix up (0 O, 1 l I).
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
SHORTEST = 10
LONGEST = 256
LONGEST_NAME = 64
#: Of what is typed no more is looked at: decomposed letters are several characters each.
LONGEST_TYPED = 4 * LONGEST


def make_password(length: int = 20) -> str:
    """A random password of letters and digits, about 5.8 bits a character."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def make_token() -> str:
    """A random token of 256 bits, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is stored of a random token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def same_name(text: str) -> str:
    """A name in its one form, as it is stored and looked for: NFKC, small, no spaces around."""
    return unicodedata.normalize("NFKC", text[:LONGEST_TYPED]).strip().lower()[:LONGEST_NAME]


def same_password(text: str) -> str:
    """A password in its one form, as it is hashed and compared: NFC, cut where none goes on."""
    return unicodedata.normalize("NFC", text[:LONGEST_TYPED])[: LONGEST + 1]


def parse_name(text: str) -> str:
    """A person's sign-in name in its one form. Raises BadInput."""
    name = unicodedata.normalize("NFKC", text[:LONGEST_TYPED]).strip().lower()
    if not _NAME.fullmatch(name):
        raise BadInput(
            "name",
            "A name has 1 to 64 letters, digits and . _ @ + -, and begins with a letter or digit.",
        )
    return name


def parse_password(text: str) -> str:
    """A password in its one form, long enough and not absurdly long. Raises BadInput."""
    password = same_password(text)
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput("password", f"A password has {SHORTEST} to {LONGEST} characters.")
    if "\0" in password:
        raise BadInput("password", "A password cannot hold a NUL character.")
    if not _is_text(password):
        raise BadInput("password", "A password cannot hold half a character.")
    return password


def _is_text(text: str) -> bool:
    """Whether it has no half of a surrogate pair, which no encoding writes."""
    return not any(unicodedata.category(one) == "Cs" for one in text)
