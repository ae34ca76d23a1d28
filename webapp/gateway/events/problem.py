"""The gateway's refusals as RFC 9457 problem details, with the problem types of the API."""

import json
from collections.abc import Mapping

from webapp.domain.problems import KINDS

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """Raised to answer a request with a problem document instead of a stream."""

    def __init__(
        self, slug: str, detail: str, what_to_do: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.what_to_do = what_to_do
        self.status, self.title = KINDS[slug].status, KINDS[slug].title
        self.headers = {"content-type": CONTENT_TYPE, "cache-control": "no-store"}
        self.headers |= headers or {}

    def body(self, public_url: str) -> bytes:
        """Return the problem document as JSON."""
        document = {
            "type": f"{public_url}/api/v1/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "what_to_do": self.what_to_do,
        }
        return json.dumps(document).encode()
