"""Examines whether browsers' WebSockets reach the gateway: a handshake over the same route."""

import base64
import http.client
import secrets
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from webapp.config import Config
from webapp.domain.upkeep.health import CheckResult, Health

CALL_SECONDS = 5


class GatewayExaminer:
    """Opens a WebSocket at the gateway's address and closes it without sending data."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def examine(self) -> Iterator[CheckResult]:
        """Yields one sign."""
        url = self._config.gateway_url
        try:
            status = self._hand_shake()
        except (OSError, http.client.HTTPException) as error:
            yield CheckResult(
                "gateway",
                Health.BAD,
                f"No gateway answers at {url} ({error}), so no desktop opens in the browser.",
                "Start it with: ./winux gateway; and see WINUX_GATEWAY_URL, WINUX_GATEWAY_LISTEN.",
            )
            return
        if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
            yield CheckResult("gateway", Health.GOOD, f"{url} takes WebSockets.")
            return
        yield CheckResult(
            "gateway",
            Health.BAD,
            f"{url} answers {status} instead of opening a WebSocket.",
            "A proxy must hand on Upgrade and Connection, and WINUX_PUBLIC_URL be what people "
            "open: docs/admin/gateway.md has examples.",
        )

    def _hand_shake(self) -> int:
        """Does the handshake of RFC 6455, section 4.1; returns the status."""
        parts = urlsplit(self._config.gateway_url)
        host = parts.hostname or ""
        connection: http.client.HTTPConnection
        if parts.scheme == "wss":
            connection = http.client.HTTPSConnection(
                host, parts.port, timeout=CALL_SECONDS, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=CALL_SECONDS)
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "Sec-WebSocket-Version": "13",
            "Origin": self._config.public_url,
        }
        try:
            connection.request("GET", parts.path, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()
