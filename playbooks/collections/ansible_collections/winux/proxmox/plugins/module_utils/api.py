"""The Proxmox VE API over proxmoxer, with the retries and timeouts that real nodes need.

Reads are retried when the connection or the node fails. Writes wait for locks; if the response to a
write is lost, the caller's `happened` checks the actual state before the write is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import requests
from ansible_collections.winux.proxmox.plugins.module_utils.failures import (
    LOCKED,
    REFUSED,
    UNREACHABLE,
    AnswerLost,
    Missing,
    ProxmoxFailed,
    TaskFailed,
)
from ansible_collections.winux.proxmox.plugins.module_utils.patience import moments
from ansible_collections.winux.proxmox.plugins.module_utils.proxmox_trust import (
    BadAuthority,
    TrustingAdapter,
    connect_directly,
    trusting,
)
from proxmoxer import ProxmoxAPI
from proxmoxer.core import ResourceException

#: Seconds for one HTTP call, for retries of an unresponsive node, for others' locks, for our tasks.
CALL_S = 30
READ_S = 30
LOCK_S = 300
TASK_S = 900

#: Errors between pveproxy and pvedaemon or another node; 502 to 504 come from a proxy before them.
TRANSPORT = {502, 503, 504, 595, 596, 597, 598, 599}
LOCK_WORDS = re.compile(
    r"CT is locked|can't lock file|got lock (request )?timeout|cfs-lock"
    r"|detected modified configuration"
)
NO_SUCH = re.compile(
    r"[Cc]onfiguration file '.*' does not exist|unable to find configuration file"
    r"|no such CT|CT \d+ does not exist"
)


def _adapter(ca_file: str | None) -> TrustingAdapter:
    try:
        return TrustingAdapter(trusting(ca_file))
    except BadAuthority as error:
        raise ProxmoxFailed(
            f"{error}; proxmox_ca_file names a PEM file: copy /etc/pve/pve-root-ca.pem of a node "
            "there"
        ) from error


class Api:
    """One node of a Proxmox VE, accessed with one API token.

    `settings`: api_host, api_port, api_user, api_token_id, api_token_secret, ca_file, node;
    lock_patience, the seconds that a write waits for others' locks.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self.node: str = settings["node"]
        self.lock_s: float = settings.get("lock_patience") or LOCK_S
        host = settings["api_host"].removeprefix("[").removesuffix("]")
        self.where = (
            f"[{host}]:{settings['api_port']}"
            if ":" in host
            else (f"{host}:{settings['api_port']}")
        )
        self.token = f"{settings['api_user']}!{settings['api_token_id']}"
        #: Whether the token is known to see at least one container (see check_sight).
        self.has_sight = False
        self._proxmox = ProxmoxAPI(
            host,
            port=settings["api_port"],
            user=settings["api_user"],
            token_name=settings["api_token_id"],
            token_value=settings["api_token_secret"],
            verify_ssl=True,
            timeout=CALL_S,
        )
        # There is no public access to the session.
        connect_directly(self._proxmox._store["session"], _adapter(settings.get("ca_file")))

    def on(self, node: str) -> Api:
        """Return the same API for another node of the cluster."""
        return Api(self._settings | {"node": node})

    def node_of(self, vmid: int) -> str | None:
        """Return the node of the cluster that has a container, or None.

        The cluster's list shows the state of guests late, but not their existence.
        """
        rows = self.read_list("/cluster/resources", type="vm")
        return next((str(row["node"]) for row in rows if row.get("vmid") == vmid), None)

    def check_sight(self) -> None:
        """Refuse a token that sees no container at all: for it, all containers seem removed.

        A token with rights on a pool gets 403 for a missing container, so a 403 alone proves
        nothing. /access/permissions reports the caller's rights by path. One readable configuration
        is sufficient proof as well.
        """
        if self.has_sight:
            return
        held = self.read("/access/permissions")
        if not any(isinstance(one, dict) and "VM.Audit" in one for one in held.values()):
            raise ProxmoxFailed(
                f"the API token {self.token} lacks the right VM.Audit, so it sees no template and "
                "no desktop. It and its user need it on the pool: docs/admin/proxmox.md has the "
                "commands.",
                REFUSED,
            )

    def check_right(self, path: str, right: str) -> None:
        """Refuse a token without this right; Proxmox VE's error of a clone does not name it."""
        held = self.read("/access/permissions", path=path).get(path, {})
        if right not in held:
            raise ProxmoxFailed(
                f"the API token {self.token} lacks the right {right} on {path}. "
                "docs/admin/proxmox.md lists the rights it needs.",
                REFUSED,
            )

    def read(self, path: str, /, **parameters: Any) -> dict[str, Any]:
        """GET one object below /nodes/{node}; retry while the node or the connection fails."""
        return dict(self._read(path, dict, parameters))

    def read_config(self, vmid: int) -> dict[str, Any]:
        """Return the configuration of a container."""
        config = self.read(f"lxc/{vmid}/config")
        self.has_sight = True
        return config

    def read_list(self, path: str, /, **parameters: Any) -> list[Any]:
        """GET a list, as `read` does."""
        return list(self._read(path, list, parameters))

    def _read(self, path: str, kind: type, parameters: dict[str, Any]) -> Any:
        for _waited in moments(READ_S, first_s=0.2, longest_s=3):
            try:
                return self._call("get", path, parameters, kind)
            except (AnswerLost, NodeTrouble) as trouble:
                last = trouble
        raise ProxmoxFailed(
            f"Proxmox VE at {self.where} does not answer properly: {last}. Look whether node "
            f"{self.node} and its services run.",
            UNREACHABLE,
        )

    def write(
        self,
        method: str,
        path: str,
        happened: Callable[[], bool],
        *,
        kind: type = object,
        **parameters: Any,
    ) -> Any:
        """POST, PUT or DELETE below /nodes/{node} after waiting for locks; return a `kind`.

        After a lost response `happened` reports whether the write took effect; if so, return None.
        It must be correct: a write that took effect must not be sent twice.
        """
        lost_since: float | None = None
        for waited in moments(self.lock_s, first_s=0.2, longest_s=2):
            try:
                return self._call(method, path, parameters, kind)
            except Busy as busy:
                last: ProxmoxFailed = busy
            except AnswerLost as lost:
                last = lost
                if happened():
                    return None
                lost_since = waited if lost_since is None else lost_since
                if waited - lost_since > READ_S:
                    break
        raise ProxmoxFailed(f"gave up: {last}", last.reason)

    def run(
        self, what: str, method: str, path: str, happened: Callable[[], bool], **parameters: Any
    ) -> bool:
        """Start a task with a write and wait for its end; retry if the task met a lock.

        Returns whether the success of the task was observed. It returns False if the response was
        lost and `happened` was true, or if the node has forgotten the task: then the caller must
        check the actual state.
        """
        for _waited in moments(self.lock_s, first_s=0.5, longest_s=5):
            upid = self.write(method, path, happened, kind=str, **parameters)
            if upid is None:
                return False
            try:
                return self.wait(what, str(upid))
            except TaskFailed as failed:
                last = failed
                if not LOCK_WORDS.search(failed.exit_status):
                    raise
        last.reason = LOCKED
        raise last

    def wait(self, what: str, upid: str) -> bool:
        """Wait for the success of a task; return whether it was observed.

        A task is never stopped: that leaves locks that only root on the node can remove. A task
        that the node has forgotten (after a restart) counts as ended, and the result is False:
        callers check the actual state.
        """
        # A person waits, so the pauses are only 0.1 s plus a tenth of the time waited so far.
        for _waited in moments(TASK_S, growth=0.1):
            try:
                state = self.read(f"tasks/{upid}/status")
            except TaskForgotten:
                return False
            if state.get("status") == "stopped":
                break
        else:
            raise ProxmoxFailed(f"{what} takes over {TASK_S} s (task {upid}); it was left alone")
        status = str(state.get("exitstatus", "no exit status"))
        if status != "OK" and not status.startswith("WARNINGS"):
            raise TaskFailed(what, status, self._log(upid))
        return True

    def _log(self, upid: str) -> list[str]:
        lines = self.read_list(f"tasks/{upid}/log", limit=200)
        return [str(line.get("t", "")) for line in lines][-5:]

    def upload(self, storage: str, file: Any) -> str:
        """Stream a container archive to a storage; return the task's UPID."""
        try:
            answer = (
                self._proxmox.nodes(self.node)
                .storage(storage)
                .upload.post(content="vztmpl", filename=file)
            )
        except ResourceException as error:
            raise self._translated(error) from error
        except requests.RequestException as error:
            raise ProxmoxFailed(
                f"the upload to {self.where} broke: {_first_line(error)}. Start again."
            ) from error
        return str(_checked(answer))

    def _call(self, method: str, path: str, parameters: dict[str, Any], kind: type = object) -> Any:
        resource = self._proxmox(
            f"nodes/{self.node}/{path}" if not path.startswith("/") else path[1:]
        )
        try:
            return _checked(getattr(resource, method)(**parameters), kind)
        except ResourceException as error:
            raise self._translated(error) from error
        except requests.exceptions.SSLError as error:
            raise ProxmoxFailed(
                f"the certificate of {self.where} is not trusted: {_first_line(error)}. "
                "Set proxmox_ca_file to the file with its authority (on a node: "
                "/etc/pve/pve-root-ca.pem)."
            ) from error
        except requests.RequestException as error:
            raise AnswerLost(f"no answer from {self.where}: {_first_line(error)}") from error

    def _translated(self, error: ResourceException) -> ProxmoxFailed:
        text = _reason(error)
        if error.status_code == 401:
            return ProxmoxFailed(
                f"Proxmox VE does not accept the API token {self.token}: {text}. Check "
                "proxmox_api_token_id and _secret.",
                REFUSED,
            )
        if error.status_code == 403:
            return Missing(
                f"the API token {self.token} may not do this: {text}. docs/admin/proxmox.md "
                "lists the rights it needs.",
                is_refusal=True,
            )
        if NO_SUCH.search(text):
            return Missing(text)
        if LOCK_WORDS.search(text):
            return Busy(text)
        if "no such task" in text:
            return TaskForgotten(text)
        if error.status_code in TRANSPORT:
            return AnswerLost(f"{error.status_code} {text}")
        if error.status_code == 500:
            return NodeTrouble(text)
        return ProxmoxFailed(f"Proxmox VE refused: {error.status_code} {text}")


class Busy(ProxmoxFailed):
    """Another task or process holds a lock, which is temporary."""

    def __init__(self, text: str) -> None:
        super().__init__(text, LOCKED)


class TaskForgotten(ProxmoxFailed):
    """The node does not know a task that it started."""


class NodeTrouble(ProxmoxFailed):
    """A 500: on a read it may be temporary, on a write the node has refused it."""


def _checked(answer: Any, kind: type = object) -> Any:
    """Return the response if it has the expected type; raise if not.

    proxmoxer gives {"errors": <bytes>} for a body that is not JSON (such as a proxy's error page).
    """
    if isinstance(answer, dict) and isinstance(answer.get("errors"), bytes):
        raise AnswerLost(
            "the answer is not from Proxmox VE (no JSON): "
            + answer["errors"][:80].decode(errors="replace")
        )
    if not isinstance(answer, kind):
        raise AnswerLost(f"the answer is of the wrong kind: {str(answer)[:80]}")
    return answer


def _reason(error: ResourceException) -> str:
    """Return the reason line with the error of each parameter; proxmoxer may add raw bytes."""
    wrong = [
        f"{name}: {str(why).strip()}"
        for name, why in (error.errors or {}).items()
        if not isinstance(why, bytes)
    ]
    reason = str(error.content).partition(" - {")[0].strip().rstrip("!.")
    return f"{reason} ({'; '.join(wrong)})" if wrong else reason


def _first_line(error: Exception) -> str:
    """Return the innermost error, which has the cause: requests nests its errors."""
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    return (str(cause).splitlines() or [type(cause).__name__])[0][:200]
