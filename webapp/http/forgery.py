"""CSRF protection: a form needs a token and must come from a page of the portal."""

from typing import NoReturn

from flask import current_app, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from webapp.config import Config
from webapp.domain.origins import foreign_origin

_LONGEST_SHOWN = 100


class ForeignForm(CSRFError):  # type: ignore[misc]  # Flask-WTF ships no types
    """Raised when a page of another origin sent the form."""

    def __init__(self, origin: str) -> None:
        self.origin = origin[:_LONGEST_SHOWN]
        super().__init__(f"The request comes from a page of {self.origin}.")


class NoCookie(CSRFError):  # type: ignore[misc]  # Flask-WTF ships no types
    """Raised when the browser sent no cookie, so that no token can be valid."""

    description = "The request has no cookie of this portal."


class FormProtection(CSRFProtect):  # type: ignore[misc]  # Flask-WTF ships no types
    """Flask-WTF's check of the token, with a check of the request's origin instead of its own.

    Flask-WTF compares the `Referer` with the `Host` header, which proxies may pass on without the
    port, and refuses browsers that send no `Referer`.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config

    def protect(self, apply_exemptions: bool = False) -> None:
        """Check origin and token. Raises CSRFError."""
        is_ours = not apply_exemptions or (request.endpoint and not self._is_exempt())
        if is_ours and request.method in current_app.config["WTF_CSRF_METHODS"]:
            headers = {name.lower(): value for name, value in request.headers.items()}
            if origin := foreign_origin(headers, self._own_origins()):
                raise ForeignForm(origin)
        super().protect(apply_exemptions)

    def _own_origins(self) -> set[str]:
        """Return the public origin and those of the request's `Host` header."""
        schemes = ("https",) if self._config.is_https else ("http", "https")
        return {self._config.public_url, *(f"{scheme}://{request.host}" for scheme in schemes)}

    def _error_response(self, reason: str) -> NoReturn:
        if self._config.cookie_name not in request.cookies:
            raise NoCookie
        raise CSRFError(reason)
