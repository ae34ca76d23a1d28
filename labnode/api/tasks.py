"""Tasks: their list, status and log."""

from __future__ import annotations

from typing import Any

from labnode.routes import Call, Routes, anyone
from labnode.schema import FLAG, VMID, choice, integer, required, split_list, text
from labnode.store import Document

routes = Routes()

TASK = "/nodes/{node}/tasks/{upid}"
UPID = {"upid": required(text())}


@routes.add(
    "GET",
    "/nodes/{node}/tasks",
    anyone,
    {
        "errors": FLAG,
        "limit": integer(0),
        "since": integer(),
        "source": choice("archive", "active", "all"),
        "start": integer(0),
        "statusfilter": text(),
        "typefilter": text(),
        "until": integer(),
        "userfilter": text(),
        "vmid": VMID,
    },
)
def list_tasks(call: Call) -> object:
    """List ended tasks, running ones or both, newest first; others' tasks require Sys.Audit."""
    sees_all = call.may(f"/nodes/{call.node.name}", "Sys.Audit")
    rows = [
        _row(parsed, task)
        for parsed, task in call.node.tasks.all()
        if (sees_all or _is_own(call, parsed)) and _is_wanted(call.params, parsed, task)
    ]
    first = call.params.get("start", 0)
    call.total = len(rows)
    return rows[first : first + (call.params.get("limit", 50) or len(rows))]


@routes.add("GET", "/cluster/tasks", anyone)
def list_recent(call: Call) -> object:
    """The latest tasks of the cluster."""
    found = [
        pair
        for node in call.node.cluster
        for pair in node.tasks.all()
        if call.may(f"/nodes/{node.name}", "Sys.Audit") or _is_own(call, pair[0])
    ]
    found = sorted(found, key=lambda pair: pair[0]["starttime"], reverse=True)[:25]
    drop = ("pid", "pstart")
    rows = [{**_row(parsed, task), "saved": "1"} for parsed, task in found]
    return [{key: value for key, value in row.items() if key not in drop} for row in rows]


@routes.add("GET", TASK, anyone, UPID)
def index(call: Call) -> object:
    """List the paths below a task."""
    return [{"name": "log"}, {"name": "status"}]


@routes.add("GET", f"{TASK}/status", anyone, UPID)
def status(call: Call) -> object:
    """Whether a task runs, and how it ended."""
    parsed = call.node.tasks.parse(call.params["upid"])
    _check_owner(call, parsed, "Sys.Audit")
    task = call.node.tasks.get(parsed["upid"])
    row = {**_without_token(parsed), "status": "running"}
    if task["exitstatus"] is not None:
        row |= {"status": "stopped", "exitstatus": task["exitstatus"]}
    return row


@routes.add(
    "GET",
    f"{TASK}/log",
    anyone,
    {**UPID, "download": FLAG, "limit": integer(0), "start": integer(0)},
)
def log(call: Call) -> object:
    """Lines of a task's log."""
    parsed = call.node.tasks.parse(call.params["upid"])
    _check_owner(call, parsed, "Sys.Audit")
    task = call.node.tasks.find(parsed["upid"])
    if task is None:
        return {}
    lines = task["log"] or ["no content"]
    first, limit = call.params.get("start", 0), call.params.get("limit", 50)
    call.total = len(lines)
    shown = lines[first : first + (limit or len(lines))]
    return [{"n": first + number, "t": line} for number, line in enumerate(shown, 1)]


@routes.add("DELETE", TASK, anyone, UPID)
def stop(call: Call) -> object:
    """Ask a task to stop: a clone is rolled back, a create leaves a locked container behind."""
    parsed = call.node.tasks.parse(call.params["upid"])
    _check_owner(call, parsed, "Sys.Modify")
    call.node.tasks.interrupt(parsed["upid"])
    return None


def _check_owner(call: Call, parsed: Document, privilege: str) -> None:
    if not _is_own(call, parsed):
        call.check(f"/nodes/{call.node.name}", privilege)


def _is_own(call: Call, parsed: Document) -> bool:
    """Whether the caller owns a task: a user owns those of its tokens, a token only its own."""
    owner = str(parsed["user"])
    return owner == call.user or owner.startswith(f"{call.user}!")


def _is_wanted(params: dict[str, Any], parsed: Document, task: Document) -> bool:
    source = params.get("source", "archive")
    is_running = task["exitstatus"] is None
    return (
        (source == "all" or is_running == (source == "active"))
        and ("vmid" not in params or parsed["id"] == str(params["vmid"]))
        and (not params.get("errors") or task["exitstatus"] not in (None, "OK"))
        and params.get("typefilter", parsed["type"]) in parsed["type"]
        and params.get("userfilter", "") in parsed["user"]
        and params.get("since", 0) <= parsed["starttime"] <= params.get("until", 2**40)
        and _has_status(split_list(params.get("statusfilter", "")), task["exitstatus"])
    )


def _has_status(wanted: list[str], status: str | None) -> bool:
    word = {None: "unknown", "OK": "ok"}.get(status, "error")
    return not wanted or word in wanted


def _row(parsed: Document, task: Document) -> Document:
    if task["exitstatus"] is None:
        return {**parsed, "status": "RUNNING", "saved": "0"}
    ended = {"endtime": task["endtime"], "status": task["exitstatus"]}
    return {**_without_token(parsed), **ended}


def _without_token(parsed: Document) -> Document:
    user, _, token = parsed["user"].partition("!")
    return {**parsed, "user": user, **({"tokenid": token} if token else {})}
