"""Reads the portal's cookie where there is no Flask: in the gateway."""

import hashlib
from http.cookies import CookieError, SimpleCookie

from itsdangerous import BadData, URLSafeTimedSerializer


class SignInCookie:
    """The cookie that Flask signs and flask-login puts the sign-in's token into."""

    def __init__(self, name: str, secret_key: str) -> None:
        self._name = name
        # as flask.sessions.SecureCookieSessionInterface makes it; its own JSON tags only types
        # that the token is none of
        self._serializer = URLSafeTimedSerializer(
            secret_key,
            salt="cookie-session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
        )

    def token(self, header: str) -> str | None:
        """The sign-in's token in a `Cookie` header; None without one that we signed."""
        try:
            morsel = SimpleCookie(header).get(self._name)
            content = self._serializer.loads(morsel.value) if morsel else {}
        except (CookieError, BadData):
            return None
        token = content.get("_user_id") if isinstance(content, dict) else None
        return token if isinstance(token, str) else None
