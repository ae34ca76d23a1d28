"""An HTTP client that sends any request unchanged, from any loopback address."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_S = 60
API = "/api/v1"


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of one response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def said(self) -> str:
        """Return the message of an error response."""
        return f"{self.status} {self.body.decode(errors='replace')[:300]}"


@dataclass
class Client:
    """`source` is the address that requests come from, so that address limits are separate."""

    host: str
    port: int
    key: str = ""
    source: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Send one request on its own connection."""
        link = http.client.HTTPConnection(
            self.host, self.port, timeout=TIMEOUT_S, source_address=(self.source, 0)
        )
        headers = dict(self.headers)
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            text = None if body is None else json.dumps(body)
            link.request(method, path, text, headers)
            answer = link.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            link.close()

    def api(self, method: str, path: str, body: Any = None) -> Answer:
        """Send one request to the API."""
        return self.ask(method, f"{API}{path}", body)
