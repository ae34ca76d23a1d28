"""Sends a webhook to an untrusted URL.

The name is resolved once and the checked address is the one that is connected to, so a name whose
resolution changes cannot reach another target. http.client follows no redirects and uses no proxy.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from webapp.domain.errors import OutsideFailed, Refused
from webapp.domain.webhooks.rules import Network, Target, decide_address
from webapp.ports import WebhookAnswer
from webapp.texts.sentences import sentence

CONNECT_SECONDS = 5.0
#: The limit for the whole request; a slow trickle of response bytes does not extend it.
TOTAL_SECONDS = 15.0
#: The maximum number of bytes read from a response.
MOST_BYTES = 4096


class WebhookPost:
    """Implements `ports.WebhookSender`."""

    def __init__(self, allowed: Sequence[Network], total_seconds: float = TOTAL_SECONDS) -> None:
        self._allowed = allowed
        self._total = total_seconds

    def send(self, target: Target, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        address = self._address(target)
        give_up_at = time.monotonic() + self._total
        try:
            with self._connected(target, address) as connection:
                connection.request("POST", target.path, body, {"Host": target.authority, **headers})
                answer = connection.getresponse()
                text = answer.read(MOST_BYTES).decode("utf-8", "replace")
            if time.monotonic() >= give_up_at:  # a truncated response may look complete
                raise TimeoutError
            return WebhookAnswer(answer.status, _printable(text))
        except ssl.SSLCertVerificationError as error:
            raise _failed(f"Its certificate is not good: {error.verify_message}.") from error
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, TimeoutError) or time.monotonic() >= give_up_at:
                raise _failed("It did not answer in time.") from error
            raise _failed(f"It cannot be reached: {error or type(error).__name__}.") from error

    def _address(self, target: Target) -> str:
        try:
            return decide_address(_resolve(target), self._allowed)
        except Refused as refusal:
            raise _failed(sentence(refusal)) from refusal

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
    """Shuts the connection down after `seconds`, even if bytes keep arriving one at a time.

    `same` is a duplicate handle: with TLS the original one no longer belongs to the connection.
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
    """Replaces control characters, so that the text is safe for pages and terminals."""
    return "".join(one if one.isprintable() else " " for one in text).strip()


def _failed(why: str) -> OutsideFailed:
    return OutsideFailed(why, retry=True)
