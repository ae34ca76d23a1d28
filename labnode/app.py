"""The WSGI application: authentication, routing, verification and Proxmox's envelope.

Order of checks, as in Proxmox: credentials, path and method, permission, node, parameters.
"""

from __future__ import annotations

import json
import re
import sys
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Request, Response

from labnode.backend import BackendError
from labnode.errors import ApiError, BadParameters, Failed, NotImplementedHere, Unauthorized
from labnode.faults import Faults
from labnode.pace import answer_s
from labnode.routes import Call, Node, Route, Table
from labnode.schema import verify
from labnode.uploads import UploadFile

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BASE = re.compile(r"/api2/+(json|extjs)(/.*)?")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MAX_BODY, CHUNK = 512 * 1024, 64 * 1024
UNLOCK, STATISTICS = "/labnode/unlock", "/labnode/statistics"  # with faults only
HEADERS = {"Cache-Control": "max-age=0", "Pragma": "no-cache", "Server": "pve-api-daemon/3.0"}


class NoRoute(Exception):
    """A node of the cluster is down; the node that was asked reports it without a body."""


class UnsupportedBody(Exception):
    """The body has a type that Proxmox does not accept; the response is plain text."""


class Application:
    """Answers requests for one node, or for all nodes of a cluster; `node` is the first."""

    def __init__(
        self, node: Node, table: Table, uploads: Path, faults: Faults | None = None
    ) -> None:
        self._node, self._table, self._faults = node, table, faults
        self._uploads = uploads

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if self._node.pace:
            time.sleep(answer_s(request.method, request.path) * self._node.pace)
        response = self._respond(request)
        if self._faults:
            self._faults.afterwards(request)
        # An unread body would make the server read the rest of it into memory.
        while environ["wsgi.input"].read(CHUNK):
            pass
        return response(environ, start)

    def _respond(self, request: Request) -> Response:
        if self._faults and (answer := self._faults.intercept(request)):
            return answer
        if self._faults and request.path == UNLOCK:
            return self._unlock(int(request.args["vmid"]))
        if self._faults and request.path == STATISTICS:
            return self._collect_statistics()
        match = BASE.fullmatch(request.path)
        if match is None:
            return plain(500, f"no such file '{request.path}'", ending="\n")
        path = (match[2] or "/").rstrip("/") or "/"
        if request.method not in ("GET", "POST", "PUT", "DELETE"):
            return empty(501, f"method '{request.method}' not available")
        if request.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return plain(501, "chunked transfer encoding not supported")
        try:
            user = self._user(request, path)
        except Unauthorized as error:
            return empty(401, error.message)
        try:
            return self._answer(request, path, user, is_extjs=match[1] == "extjs")
        except NoRoute:
            return empty(595, "No route to host")
        except UnsupportedBody as error:
            return plain(506, str(error))

    def _user(self, request: Request, path: str) -> str:
        """Return the user of a request, empty for paths without sign-in; raise Unauthorized."""
        found = self._table.find(request.method, path)
        if found and found[0].is_public:
            return ""
        header = re.search(
            r"(?:^|\s)PVEAPIToken(?:=| )([^;]*)", request.headers.get("Authorization", "")
        )
        if header:
            return self._node.access.verify_token(header[1])
        ticket = request.cookies.get("PVEAuthCookie")
        if not ticket:
            raise Unauthorized("No ticket")
        user = self._node.access.verify_ticket(unquote(ticket))
        if request.method != "GET":
            self._node.access.verify_csrf(user, request.headers.get("CSRFPreventionToken", ""))
        return user

    def _answer(self, request: Request, path: str, user: str, *, is_extjs: bool) -> Response:
        try:
            call, data = self._handle(request, path, user)
        except (ApiError, BackendError, OSError) as error:
            return refuse(error if isinstance(error, ApiError) else Failed(str(error)), is_extjs)
        except (UnsupportedBody, NoRoute):
            raise
        except Exception as error:  # noqa: BLE001  # respond like a Proxmox daemon that crashes
            traceback.print_exc(file=sys.stderr)
            return refuse(Failed(f"internal error: {error!r}"), is_extjs)
        body: dict[str, Any] = {"data": data}
        if call.total:  # Proxmox omits a zero
            body["total"] = call.total
        return reply(200, "OK", {**body, "success": 1} if is_extjs else body)

    def _handle(self, request: Request, path: str, user: str) -> tuple[Call, object]:
        found = self._table.find(request.method, path)
        if found is None:
            raise NotImplementedHere(request.method, path)
        route, in_path = found
        given, upload = self._parameters(request, route)
        clash = {key for key in in_path if key in given and str(given[key]) != in_path[key]}
        if clash:
            text = "duplicate parameter (already defined in URI) with conflicting values!"
            raise BadParameters(dict.fromkeys(clash, text))
        params = {**given, **in_path}
        try:
            route.rule(self._node.access, user, params)
            node = self._find_node(in_path.get("node"))
            call = Call(node, user, verify(params, route.params), upload=upload)
            call.fault = self._faults.for_task(request) if self._faults else None
            return call, route.handler(call)
        finally:
            if upload:
                upload.unlink(missing_ok=True)

    def _find_node(self, name: str | None) -> Node:
        if name in (None, "localhost"):
            return self._node
        for node in self._node.cluster:
            if node.name == name and not node.is_online:
                raise NoRoute
            if node.name == name:
                return node
        failure = f"failed to get address info for: {name}"
        raise Failed(
            f"hostname lookup '{name}' failed - {failure}: Temporary failure in name resolution"
        )

    def _unlock(self, vmid: int) -> Response:
        """Remove locks that tests leave behind, as `pct unlock` does as root on a node."""
        for node in self._node.cluster:
            if node.guests.find(vmid):
                node.guests.unlock(vmid)
        return plain(200, "OK", ending="\n")

    def _collect_statistics(self) -> Response:
        """Run the periodic work of the statistics daemon now, for tests."""
        for node in self._node.cluster:
            node.statistics.collect()
        return plain(200, "OK", ending="\n")

    def _parameters(self, request: Request, route: Route) -> tuple[dict[str, object], Path | None]:
        """Return query and body parameters; repeated keys are lists, uploaded files are on disk."""
        given = _collect(request.args)
        if request.method not in ("POST", "PUT") or not request.content_length:
            return given, None
        if request.mimetype == "multipart/form-data" and route.path.endswith("/upload"):
            fields, upload = self._receive(request)
            return {**given, **fields}, upload
        if request.content_length > MAX_BODY:
            raise ApiError(f"for data too large ({request.content_length} bytes)")
        if request.mimetype == JSON:
            return {**given, **_json_object(request)}, None
        if request.mimetype != FORM:
            raise UnsupportedBody(f"upload 'Content-Type '{request.mimetype}' not implemented")
        return {**given, **_collect(request.form)}, None

    def _receive(self, request: Request) -> tuple[dict[str, object], Path]:
        file = UploadFile(self._uploads)
        parser = FormDataParser(stream_factory=lambda *_, **__: file.open())
        try:
            _, fields, files = parser.parse_from_environ(request.environ)
            file.close()
        except (OSError, HTTPException):
            file.path.unlink(missing_ok=True)
            raise
        sent = next(iter(files.values()), None)
        name = {"filename": sent.filename or ""} if sent else {}
        return {**_collect(fields), **name}, file.path


def _collect(fields: MultiDict[str, str]) -> dict[str, object]:
    return {key: all_[0] if len(all_) == 1 else all_ for key, all_ in fields.lists()}


def _json_object(request: Request) -> dict[str, object]:
    try:
        content = json.loads(request.get_data())
    except ValueError:
        raise Failed("malformed JSON string") from None
    if not isinstance(content, dict):
        raise Failed("malformed JSON string: an object is needed")
    return content


def refuse(error: ApiError, is_extjs: bool = False) -> Response:
    """Return an error in reason line and body; ExtJS clients get it with status 200."""
    ending = "" if isinstance(error, NotImplementedHere) else "\n"
    body: dict[str, object] = {"data": None, "message": error.message + ending}
    if error.errors:
        body["errors"] = error.errors
    if is_extjs:
        return reply(200, "OK", {**body, "status": error.status, "success": 0})
    return reply(error.status, error.message, body)


def reply(status: int, reason: str, body: dict[str, Any]) -> Response:
    """Return a JSON response."""
    content = json.dumps(body, separators=(",", ":")).encode()
    kind = "application/json;charset=UTF-8"
    return Response(content, _status_line(status, reason), HEADERS, content_type=kind)


def empty(status: int, reason: str) -> Response:
    """Return a response whose text is in the reason line only."""
    response = Response(b"", _status_line(status, reason), HEADERS)
    del response.headers["Content-Type"]
    return response


def plain(status: int, reason: str, ending: str = "") -> Response:
    """Return a response in plain text."""
    response = Response(reason + ending, _status_line(status, reason), HEADERS)
    del response.headers["Content-Type"]
    return response


def _status_line(status: int, reason: str) -> str:
    line = " ".join(reason.split("\n")).strip()
    return f"{status} {line.encode('latin-1', 'replace').decode('latin-1')}"
