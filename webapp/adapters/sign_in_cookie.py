"""Reads the portal's cookie without Flask, in the gateway."""

import hashlib
from http.cookies import CookieError, SimpleCookie

from itsdangerous import BadData, URLSafeTimedSerializer


class SignInCookie:
    """The cookie that Flask signs and in which flask-login stores the sign-in's token."""

    def __init__(self, name: str, secret_key: str) -> None:
        self._name = name
        # Equals flask.sessions.SecureCookieSessionInterface; its JSON serializer only adds tags for
        # types that the token does not have.
        self._serializer = URLSafeTimedSerializer(
            secret_key,
            salt="cookie-session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
        )

    def token(self, header: str) -> str | None:
        """Returns the sign-in's token from a `Cookie` header; None without a validly signed one."""
        try:
            morsel = SimpleCookie(header).get(self._name)
            content = self._serializer.loads(morsel.value) if morsel else {}
        except (CookieError, BadData):
            return None
        token = content.get("_user_id") if isinstance(content, dict) else None
        return token if isinstance(token, str) else None
