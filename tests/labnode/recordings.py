"""The recorded exchanges with real Proxmox VE nodes: finding, reading and comparing them.

Volatile parts are compared only by type: times, process ids, loads and sizes, digests, MAC and
link-local addresses. Everything else must be equal: status, reason line, texts, keys, types,
states,
exit statuses, configuration values. The output of storage tools (mkfs, rsync, tar, e2fsck) in task
logs is ignored on both sides.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VOLATILE = re.compile(
    r"pid|pstart|starttime|endtime|upid|cpu|mem|disk|maxdisk|netin|netout|diskread|diskwrite|uptime"
    r"|ctime|size|used|avail|total|used_fraction|free|available|loadavg|mhz|model|flags|mode|kversion"
    r"|repoid|pveversion|machine|ssl_fingerprint|ip|ticket|CSRFPreventionToken|snaptime"
)
HOST_FACTS = {"maxcpu", "maxmem", "cores", "cpus", "release", "version"}
IDENTITY = ("volid", "upid", "id", "vmid", "subdir", "key", "poolid", "name", "storage", "n")
TOOL_OUTPUT = re.compile(
    r"Creating filesystem|Filesystem UUID|Superblock backups|\t\d|Formatting '|Total bytes read"
    r"|Number of|Total |Literal data|Matched data|File list|sent |total size|$|Detected container"
    r"|Setting up '|Creating SSH|done: SHA256|e2fsck|Pass \d|resize2fs|Resizing|The filesystem"
    r"|/\S+: \d+|Image resized|tar: |extracting archive"
)
UPID = re.compile(r"UPID:(\w+):[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:([^\s\"']+)")


def reference_dir() -> Path:
    """Return the folder of the recordings, or None."""
    default = Path(__file__).parents[2] / ".." / "shared" / "reference"
    return Path(os.environ.get("WINUX_REFERENCE_DIR", default))


def recordings_file(version: str) -> Path:
    return reference_dir() / f"pve-recordings-{version}.jsonl"


def read(version: str) -> list[dict[str, Any]]:
    lines = recordings_file(version).read_text().splitlines()
    return [json.loads(line) for line in lines]


def plain_upids(text: str) -> str:
    """Return UPIDs without their process and time parts."""
    return UPID.sub(r"UPID:\1:*:\2", text)


def differences(ours: Any, theirs: Any, path: str = "", key: str = "") -> Iterator[str]:
    """Yield the differences between our body and the recorded one."""
    if _kind(ours) != _kind(theirs):
        yield f"{path}: {_short(ours)} instead of {_short(theirs)}"
    elif isinstance(theirs, dict):
        is_host = theirs.get("type") == "node" or "flags" in theirs or "sysname" in theirs
        for name in sorted({*ours, *theirs} - (HOST_FACTS if is_host else set())):
            where = f"{path}.{name}"
            if name not in ours or name not in theirs:
                yield f"{where} {'missing' if name in theirs else 'too much'}"
            else:
                yield from differences(ours[name], theirs[name], where, name)
    elif isinstance(theirs, list):
        yield from _list_differences(ours, theirs, path, key)
    elif key == "content" and sorted(ours.split(",")) == sorted(theirs.split(",")):
        return  # a set, which Proxmox returns in any order
    elif not VOLATILE.fullmatch(key) and _clean(ours) != _clean(theirs):
        yield f"{path}: {_short(ours)} instead of {_short(theirs)}"


def _list_differences(ours: list[Any], theirs: list[Any], path: str, key: str) -> Iterator[str]:
    if VOLATILE.fullmatch(key):
        return
    if not all(isinstance(each, dict) for each in [*ours, *theirs]):
        if [_clean(each) for each in ours] != [_clean(each) for each in theirs]:
            yield f"{path}: {_short(ours)} instead of {_short(theirs)}"
        return
    name = next((n for n in IDENTITY if theirs and n in theirs[0]), "")
    by_us, by_them = ({_clean(row.get(name)): row for row in rows} for rows in (ours, theirs))
    for row in sorted({*by_us, *by_them}, key=str):
        if row not in by_us or row not in by_them:
            yield f"{path}[{row}] {'missing' if row in by_them else 'too much'}"
        else:
            yield from differences(by_us[row], by_them[row], f"{path}[{row}]")


def log_lines(body: Any) -> list[str] | Any:
    """Return the lines of a task log that do not come from storage tools."""
    if not isinstance(body.get("data"), list):
        return body["data"]
    return [_clean(row["t"]) for row in body["data"] if not TOOL_OUTPUT.match(row["t"])]


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) else type(value).__name__


def _clean(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = re.sub(r"(?i)BC:24:11:\w\w:\w\w:\w\w", "MAC", plain_upids(value))
    text = re.sub(r"^[0-9a-f]{40}$", "DIGEST", text)
    text = re.sub(r"fe80::[0-9a-f:]+(/64)?", "LINK-LOCAL", text)
    return re.sub(r"'/\S+/template/cache/", "'CACHE/", text)


def _short(value: Any) -> str:
    return plain_upids(json.dumps(value))[:160]
