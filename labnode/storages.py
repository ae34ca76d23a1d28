"""Storages as the API sees them: templates in `local`, root file systems in `local-lab`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from labnode.errors import BadParameters, Failed
from labnode.store import Document, Store

TEMPLATE_NAME = re.compile(r"[^/]+\.tar\.(gz|xz|zst|bz2)")
FORMATS = {"gz": "tgz", "xz": "txz", "zst": "tzst", "bz2": "tbz2"}


class Storages:
    """The storages, and the container templates that lie in them."""

    def __init__(self, store: Store, state_dir: Path) -> None:
        self._table = store.table("storage")
        self.cache = state_dir / "template" / "cache"
        self.cache.mkdir(parents=True, exist_ok=True)
        if "local" not in self._table:
            self.set("local", "dir", "vztmpl")
            self.set("local-lab", "btrfs", "rootdir,images")

    def set(self, name: str, kind: str, content: str) -> None:
        """Add or change a storage; `kind` is a Proxmox storage type."""
        self._table.put(name, {"type": kind, "content": content})

    def remove(self, name: str) -> None:
        """Remove a storage from the list."""
        self._table.delete(name)

    def names(self) -> list[str]:
        """Return the names of all storages."""
        return list(self._table)

    def get(self, name: str) -> Document:
        """Return type and content of a storage; raise Failed if it does not exist."""
        storage = self._table.get(name)
        if storage is None:
            raise Failed(f"storage '{name}' does not exist")
        return storage

    def holds(self, name: str, content: str) -> bool:
        """Whether a storage accepts this kind of content."""
        return content in self.get(name)["content"].split(",")

    def can_clone(self, name: str) -> bool:
        """Whether linked clones are possible: not on a plain directory."""
        return bool(self.get(name)["type"] != "dir")

    def status(self, name: str, *, is_full: bool = False) -> Document:
        """Return sizes in bytes and the content kinds of the storage."""
        usage = shutil.disk_usage(self.cache)
        return {
            "storage": name,
            "total": usage.total,
            "used": usage.total if is_full else usage.used,
            "avail": 0 if is_full else usage.free,
            "active": 1,
            "enabled": 1,
            "shared": 0,
            **self.get(name),
        }

    def templates(self, name: str) -> list[Document]:
        """Return the templates in a storage as content rows."""
        if not self.holds(name, "vztmpl"):
            return []
        files = [f for f in self.cache.iterdir() if TEMPLATE_NAME.fullmatch(f.name)]
        return [_template_row(name, file) for file in sorted(files)]

    def template(self, volume: str) -> Path:
        """Return the file of `local:vztmpl/NAME`; raise Failed for an invalid volume."""
        name, _, path = volume.partition(":")
        if not path:
            raise Failed("Only root can pass arbitrary filesystem paths.")
        self.get(name)
        kind, _, file = path.partition("/")
        if re.fullmatch(r"\d+/\S+\.(raw|subvol)", path):
            raise Failed(f"unable to use volume {volume} - content type needs to be 'vztmpl'")
        if kind != "vztmpl" or not TEMPLATE_NAME.fullmatch(file) or file.startswith("."):
            raise Failed(f"unable to parse directory volume name '{path}'")
        return self.cache / file

    def template_name(self, name: str) -> str:
        """Return a clean file name for an uploaded template."""
        clean = re.sub(r"[^a-zA-Z0-9_.\-]", "_", re.sub(r"^.*[/\\]", "", name))
        if not TEMPLATE_NAME.fullmatch(clean) or clean.startswith("."):
            raise BadParameters({"filename": "wrong file extension"})
        return clean


def _template_row(storage: str, file: Path) -> Document:
    facts = file.stat()
    return {
        "volid": f"{storage}:vztmpl/{file.name}",
        "content": "vztmpl",
        "format": FORMATS[file.name.rsplit(".", 1)[1]],
        "size": facts.st_size,
        "ctime": int(facts.st_ctime),
    }
