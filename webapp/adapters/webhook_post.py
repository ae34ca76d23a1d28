"""One POST to a receiver that nobody trusts.

The name is resolved once and what was checked is what is connected to, so a name that changes its
answer reaches nothing else. Redirects and proxies do not exist here: http.client knows neither.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from webapp.domain.errors import OutsideFailed
from webapp.domain.webhooks.rules import Network, Target, decide_address
from webapp.ports import WebhookAnswer

CONNECT_SECONDS = 5.0
#: For everything together; a receiver that drips its answer is cut.
TOTAL_SECONDS = 15.0
#: So much of an answer is read.
MOST_BYTES = 4096


class WebhookPost:
    """Implements `ports.WebhookSender`."""

    def __init__(self, allowed: Sequence[Network], total_seconds: float = TOTAL_SECONDS) -> None:
        self._allowed = allowed
        self._total = total_seconds

    def send(self, target: Target, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        address = decide_address(_resolve(target), self._allowed)
        give_up_at = time.monotonic() + self._total
        try:
            with self._connected(target, address) as connection:
                connection.request("POST", target.path, body, {"Host": target.authority, **headers})
                answer = connection.getresponse()
                text = answer.read(MOST_BYTES).decode("utf-8", "replace")
            if time.monotonic() >= give_up_at:  # what was cut may look like a short answer
                raise TimeoutError
            return WebhookAnswer(answer.status, _printable(text))
        except ssl.SSLCertVerificationError as error:
            raise _failed(f"Its certificate is not good: {error.verify_message}.") from error
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, TimeoutError) or time.monotonic() >= give_up_at:
                raise _failed("It did not answer in time.") from error
            raise _failed(f"It cannot be reached: {error or type(error).__name__}.") from error

    @contextmanager
    def _connected(self, target: Target, address: str) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(target.host, target.port)
        raw = socket.create_connection((address, target.port), timeout=CONNECT_SECONDS)
        raw.settimeout(self._total)
        with raw, raw.dup() as same, _cutting(same, self._total):
            connection.sock = _with_tls(raw, target.host) if target.is_tls else raw
            try:
                yield connection
            finally:
                connection.close()


@contextmanager
def _cutting(same: socket.socket, seconds: float) -> Iterator[None]:
    """Whatever goes on over this connection ends after so long, also what drips byte by byte.

    `same` is a second handle: with TLS the first one is not the connection's any more.
    """
    watch = threading.Timer(seconds, _cut, [same])
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _resolve(target: Target) -> list[str]:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _failed(f"{target.host} has no address.") from error
    return [str(place[0]) for *_, place in found]


def _with_tls(raw: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(raw, server_hostname=host)


def _cut(same: socket.socket) -> None:
    with suppress(OSError):  # it ended at the same moment
        same.shutdown(socket.SHUT_RDWR)


def _printable(text: str) -> str:
    """For pages and terminals: no control characters."""
    return "".join(one if one.isprintable() else " " for one in text).strip()


def _failed(why: str) -> OutsideFailed:
    return OutsideFailed(why, retry=True)
