"""A client for a portal's API over HTTP, with the parts that the command line needs."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, cast
from urllib.parse import urljoin

import requests

from webapp.cli.exit_codes import exit_of_status

SECONDS = 30
#: The read timeout of an event stream; an idle stream sends a keep-alive every 15 seconds.
SILENCE_SECONDS = 45
TRIES = 3
PAGE = 200


Row = dict[str, Any]


class ApiProblem(Exception):
    """The portal refused the request; `document` is its problem document (RFC 9457)."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.exit_status = exit_of_status(status)
        self.document = document

    def __str__(self) -> str:
        words = (self.document.get(name) for name in ("detail", "what_to_do"))
        text = " ".join(str(word) for word in words if word)
        ways = self.document.get("suggested_actions")
        return f"{text} Ways out: {', '.join(ways)}." if ways else text


class NoAnswer(Exception):
    """The portal cannot be reached, or the response is not one of a portal."""


class _IsOver(Exception):
    """No event follows the last one received."""


@dataclass(frozen=True)
class StreamEvent:
    """One event of a session."""

    name: str
    data: dict[str, Any]


class Client:
    """Sends requests with one API key."""

    def __init__(self, url: str, key: str, ca_file: Path | None = None) -> None:
        self._url = url.rstrip("/") + "/"
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {key}"
        self._http.headers["User-Agent"] = "winux-cli"
        if ca_file:
            self._http.verify = str(ca_file)

    def get(self, path: str, **parameters: Any) -> Any:
        return self._ask("GET", path, params=_given(parameters)).json()

    def text(self, path: str) -> str:
        return self._ask("GET", path).text

    def all(self, path: str) -> list[Row]:
        """Returns all rows of a list without pages."""
        return _only_list(self.get(path))

    def rows(self, path: str, *, most: int | None = None, **parameters: Any) -> list[Row]:
        """Returns the rows of a list with pages: the first `most`, or all."""
        return list(islice(self.stream(path, size=min(most or PAGE, PAGE), **parameters), most))

    def stream(self, path: str, *, size: int = PAGE, **parameters: Any) -> Iterator[Row]:
        """Yields the rows page by page, without holding all of them."""
        cursor = ""
        while True:
            page = self.get(path, limit=size, cursor=cursor, **parameters)
            yield from _only_list(page)
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Retries without a response; the Idempotency-Key makes the request take effect once."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = self._ask("POST", path, json=body, headers=headers)
        return answer.json() if answer.content else None

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Retries without a response: a repeated PUT changes nothing."""
        return self._ask("PUT", path, json=body).json()

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def events(self, link: str) -> Iterator[StreamEvent]:
        """Yields events until the end; a broken stream continues after the last event received."""
        last, broken = "", 0
        while True:
            try:
                for name, data, place in self._stream(link, last):
                    last, broken = place or last, 0
                    yield StreamEvent(name, data)
                    if name == "end":
                        return
            except _IsOver:
                return
            except requests.RequestException as error:
                broken += 1
                if broken > TRIES:
                    raise NoAnswer(f"{link} does not answer: {error}") from error
            time.sleep(2)

    def _stream(self, link: str, last: str) -> Iterator[tuple[str, dict[str, Any], str]]:
        headers = {"Last-Event-ID": last} if last else {}
        with self._http.get(
            urljoin(self._url, link),
            headers=headers,
            stream=True,
            timeout=(SECONDS, SILENCE_SECONDS),
            allow_redirects=False,
        ) as answer:
            if _check(answer).status_code == requests.codes.no_content:
                raise _IsOver
            fields: dict[str, str] = {}
            for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
                elif "data" in fields and not line:
                    yield fields["event"], json.loads(fields["data"]), fields.get("id", "")
                    fields = {}

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        for attempt in range(1, TRIES + 1):
            try:
                answer = self._http.request(
                    method,
                    urljoin(self._url, f"api/v1{path}"),
                    timeout=SECONDS,
                    allow_redirects=False,
                    **options,
                )
                break
            except requests.exceptions.SSLError as error:
                raise NoAnswer(_certificate(error)) from error
            except requests.RequestException as error:
                if attempt == TRIES:
                    raise NoAnswer(f"{self._url} does not answer: {error}") from error
                time.sleep(attempt)
        return _check(answer)


def _check(answer: requests.Response) -> requests.Response:
    if answer.ok and not answer.is_redirect:
        return answer
    try:
        document = answer.json()
    except requests.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise NoAnswer(f"{answer.url} answered {answer.status_code}, but not as Winux does.")
    raise ApiProblem(answer.status_code, cast(dict[str, Any], document))


def _only_list(page: Row) -> list[Row]:
    """Returns the rows of a page: the value of its only list member."""
    return next(value for value in page.values() if isinstance(value, list))


def _certificate(error: Exception) -> str:
    return (
        f"The certificate of the portal is not good: {error} "
        "Name your own certificate authority with --ca-file."
    )


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Removes parameters without a value; writes booleans and times as JSON does."""
    return {name: _word(value) for name, value in parameters.items() if value not in (None, "")}


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else value
