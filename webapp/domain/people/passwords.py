"""Names, passwords and tokens: the checks, and how random ones are made."""

import hashlib
import re
import secrets
import unicodedata

from webapp.domain.errors import BadInput

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
#: Without characters that are easily confused (0 O, 1 l I).
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
SHORTEST = 10
LONGEST = 256
LONGEST_NAME = 64
#: Longer input is cut here: a decomposed letter is several characters.
LONGEST_TYPED = 4 * LONGEST


def make_password(length: int = 20) -> str:
    """A random password of letters and digits, about 5.8 bits a character."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def make_token() -> str:
    """Returns a random token of 256 bits, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Returns a token's SHA-256 in hex, for storage."""
    return hashlib.sha256(token.encode()).hexdigest()


def same_name(text: str) -> str:
    """Normalizes a name for storage and lookup: NFKC, lower case, stripped."""
    return unicodedata.normalize("NFKC", text[:LONGEST_TYPED]).strip().lower()[:LONGEST_NAME]


def same_password(text: str) -> str:
    """Normalizes a password for hashing and comparison: NFC, cut one past the limit."""
    return unicodedata.normalize("NFC", text[:LONGEST_TYPED])[: LONGEST + 1]


def parse_name(text: str) -> str:
    """Returns a person's normalized sign-in name. Raises BadInput."""
    name = unicodedata.normalize("NFKC", text[:LONGEST_TYPED]).strip().lower()
    if not _NAME.fullmatch(name):
        raise BadInput("name", "person_name")
    return name


def parse_password(text: str) -> str:
    """Returns a normalized password within the length limits. Raises BadInput."""
    password = same_password(text)
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput("password", "password_length", shortest=SHORTEST, longest=LONGEST)
    if "\0" in password:
        raise BadInput("password", "password_nul")
    if not _is_text(password):
        raise BadInput("password", "password_surrogate")
    return password


def _is_text(text: str) -> bool:
    """Whether the text has no lone surrogate, which no encoding can write."""
    return not any(unicodedata.category(one) == "Cs" for one in text)
