"""Storages: list, status, content, upload and removal of templates."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from labnode.backend import BackendError, parse_properties
from labnode.errors import BadParameters, Failed
from labnode.guests import disk_bytes
from labnode.options import Config
from labnode.routes import Call, Routes, anyone, perm
from labnode.schema import FLAG, VMID, choice, integer, required, text
from labnode.store import Document
from labnode.tasks import Log

routes = Routes()

STORAGE = "/nodes/{node}/storage/{storage}"
STORAGE_ID = {"storage": required(text(format="pve-storage-id"))}
READ = ("Datastore.Audit", "Datastore.AllocateSpace")
READABLE = perm("/storage/{storage}", *READ, any_of=True)


@routes.add(
    "GET",
    "/nodes/{node}/storage",
    anyone,
    {
        "content": text(),
        "enabled": FLAG,
        "format": FLAG,
        "storage": text(format="pve-storage-id"),
        "target": text(format="pve-node"),
    },
)
def list_storages(call: Call) -> object:
    """The storages that the user may use."""
    storages, wanted = call.node.storages, call.params
    names = [
        name
        for name in storages.names()
        if wanted.get("storage", name) == name
        and all(storages.holds(name, word) for word in filter(None, [wanted.get("content")]))
        and call.may(f"/storage/{name}", *READ, any_of=True)
    ]
    rows = [storages.status(name, is_full=call.node.is_full) for name in names]
    return [{**row, "used_fraction": row["used"] / row["total"]} for row in rows]


@routes.add("GET", f"{STORAGE}/status", READABLE, STORAGE_ID)
def status(call: Call) -> object:
    """Sizes of a storage."""
    facts = call.node.storages.status(call.params["storage"])
    return {key: value for key, value in facts.items() if key != "storage"}


@routes.add("GET", f"{STORAGE}/content", READABLE, {**STORAGE_ID, "content": text(), "vmid": VMID})
def list_content(call: Call) -> object:
    """Templates and root file systems in a storage."""
    storage, params = call.params["storage"], call.params
    rows = [*call.node.storages.templates(storage), *_disks(call, storage)]
    return [
        row
        for row in rows
        if params.get("content", row["content"]) == row["content"]
        and ("vmid" not in params or row.get("vmid") == params["vmid"])
    ]


@routes.add(
    "POST",
    f"{STORAGE}/upload",
    perm("/storage/{storage}", "Datastore.AllocateTemplate"),
    {
        **STORAGE_ID,
        "checksum": text(requires="checksum-algorithm"),
        "checksum-algorithm": choice("md5", "sha1", "sha224", "sha256", "sha384", "sha512"),
        "content": required(choice("iso", "vztmpl", "import")),
        "filename": text(optional=False, max_length=255),
    },
)
def upload(call: Call) -> object:
    """Store an uploaded template, in the background."""
    storages, params = call.node.storages, call.params
    target = storages.cache / storages.template_name(params["filename"])
    if not storages.holds(params["storage"], params["content"]):
        refusal = f"does not support '{params['content']}' content"
        raise Failed(f"storage '{params['storage']}' {refusal}")
    if call.upload is None:
        raise BadParameters({"filename": "no file was uploaded"})
    kept = call.upload.with_suffix(".part")
    call.upload.rename(kept)

    def work(log: Log) -> None:
        try:
            log(f"starting file import from: {kept}")
            log(f"target node: {call.node.name}")
            log(f"target file: {target}")
            log(f"file size is: {kept.stat().st_size}")
            _check_sum(kept, params.get("checksum-algorithm"), params.get("checksum", ""))
            shutil.move(kept, target)
            log("finished file import successfully")
        finally:
            kept.unlink(missing_ok=True)

    return call.spawn("imgcopy", "", work)


@routes.add(
    "DELETE",
    f"{STORAGE}/content/{{volume:path}}",
    anyone,
    {
        "storage": text(format="pve-storage-id"),
        "volume": required(text()),
        "delay": integer(1, 30),
    },
)
def delete_content(call: Call) -> object:
    """Remove a template, in the background."""
    storage, volume = call.params["storage"], call.params["volume"]
    name = volume if ":" in volume else f"{storage}:{volume}"
    if name.partition(":")[0] != storage:
        raise BadParameters(
            {"storage": f"storage ID missmatch ({name.partition(':')[0]} != {storage})"}
        )
    file = call.node.storages.template(name)
    call.check(f"/storage/{storage}", "Datastore.Allocate")

    def work(log: Log) -> None:
        if not file.exists():
            log(f"disk image '{file}' does not exist")
        file.unlink(missing_ok=True)
        log(f"Removed volume '{name}'")

    upid = call.spawn("imgdel", storage, work)
    delay = call.params.get("delay")
    return None if delay and call.node.tasks.wait(upid, delay) else upid


def _disks(call: Call, storage: str) -> list[Document]:
    rows = []
    for vmid in call.node.guests.vmids():
        config = call.node.guests.find(vmid) or {}
        volume = parse_properties(config.get("rootfs", ""), "volume").get("volume", "")
        if volume.partition(":")[0] == storage and call.may(f"/vms/{vmid}", "VM.Audit"):
            row = {"volid": volume, "vmid": vmid, "content": "rootdir", "parent": None, "used": 0}
            rows.append({**row, **_disk_facts(volume, config)})
    return rows


def _disk_facts(volume: str, config: Config) -> Document:
    if volume.endswith(".subvol"):
        return {"format": "subvol", "size": 0}
    return {"format": "raw", "size": disk_bytes(config), "ctime": 0}


def _check_sum(file: Path, algorithm: str | None, expected: str) -> None:
    if algorithm is None:
        return
    with file.open("rb") as content:
        got = hashlib.file_digest(content, algorithm).hexdigest()
    if got != expected.lower():
        raise BackendError(f"checksum mismatch: got '{got}' != expect '{expected}'")
