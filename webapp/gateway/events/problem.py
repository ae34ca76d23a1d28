"""The gateway's refusals as RFC 9457 problem details, with the problem types of the API."""

import json
from collections.abc import Mapping

CONTENT_TYPE = "application/problem+json"
TITLES: dict[str, tuple[int, str]] = {
    "unauthorized": (401, "Nobody is signed in"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "Not with this method"),
    "too-many": (429, "Too often"),
    "unavailable": (503, "The site has a problem right now"),
}
"""Status and title of each type used here; a test compares them with those of webapp/api."""


class Problem(Exception):
    """Raised to answer a request with a problem document instead of a stream."""

    def __init__(
        self, slug: str, detail: str, what_to_do: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.what_to_do = what_to_do
        self.status, self.title = TITLES[slug]
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
