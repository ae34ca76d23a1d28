"""Makes the client's address canonical before the application reads it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from webapp.domain.sources import source_address

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class CanonicalSource:
    """WSGI middleware: sets `REMOTE_ADDR` from the trusted proxies' headers, in canonical form."""

    def __init__(self, app: "WSGIApplication", trusted_proxies: int) -> None:
        self._app = app
        self._trusted_proxies = trusted_proxies

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        peer = environ.get("REMOTE_ADDR", "")
        environ["REMOTE_ADDR"] = source_address(peer, forwarded, self._trusted_proxies)
        return self._app(environ, start_response)
