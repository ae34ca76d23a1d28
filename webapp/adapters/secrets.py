"""Secrets at rest, and the hashing of passwords."""

from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken

from webapp.domain.errors import OutsideFailed


class FernetVault:
    """Encrypts with AES-128-CBC and HMAC-SHA-256 (Fernet) under the installation's key."""

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(key)

    def lock(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def unlock(self, locked: bytes) -> str:
        try:
            return self._fernet.decrypt(locked).decode()
        except InvalidToken as error:
            raise OutsideFailed(
                "A stored secret cannot be read with this installation's key.",
                retry=False,
                what_to_do="Set WINUX_ENCRYPTION_KEY to the key it was stored with.",
            ) from error


class ArgonHasher:
    """argon2id, by default with the library's recommended cost (RFC 9106, low-memory profile)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        """A hash that is verified for an unknown name, so that both cases take the same time."""
        return self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether the password matches the hash; takes as long for None (an unknown person)."""
        nobody = self._nobody  # always, so that the first check's duration reveals nothing
        try:
            self._hasher.verify(password_hash or nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None
