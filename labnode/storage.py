"""Root file systems: unpacked archives, versioned bases, overlay clones, full copies.

    containers/<vmid>/data         a root file system of its own (created, or a full copy)
    containers/<vmid>/upper, work  what a linked clone changed, laid over its base
    containers/<vmid>/base         name of the base it lies on; without `upper` it is the template
    bases/<vmid>-<random>/         a template's root file system; never written again
    trash/                         to be deleted

Files belong to the shifted ids of unprivileged containers, the same for all (see `id_ranges`); a
mount shows them under those of its container. All content comes from people who are
root in a container: the host never follows a link in it. While a container runs, it has a folder
in /run with its LXC configuration and its mounted root file system: LXC requires both where the
shifted root can reach them, which may not apply to the state folder (such as one in /home).
Neither folders nor overlays have a quota: a container can fill the disk of the machine.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from labnode.backend import BackendError
from labnode.cgroups import Cgroup, find_version
from labnode.command import run
from labnode.id_ranges import ID_COUNT, IdRanges
from labnode.mounts import Mounts
from labnode.namespaces import mapped

COPY_TIMEOUT_S = 900
USAGE_FRESH_S = 60
MAGIC = {b"\x28\xb5\x2f\xfd": "--zstd", b"\x1f\x8b": "--gzip", b"\xfd7zXZ": "--xz"}


@dataclass
class Storage:
    """All root file systems of one lab node.

    `mounts` are those in /run; `group` is the control group of unpack and copy processes; `ids`
    are the id ranges of files on disk and of containers.
    """

    state_dir: Path
    mounts: Mounts
    group: str
    ids: IdRanges = field(default_factory=lambda: IdRanges(0, 0))
    _bases: threading.Lock = field(default_factory=threading.Lock)
    _usage: dict[int, tuple[float, int]] = field(default_factory=dict)

    def prepare(self, ids: IdRanges) -> None:
        """Make the folders."""
        self.ids = ids
        for folder in (self._containers, self._all_bases, self._trash):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        self.mounts.run_dir.mkdir(parents=True, exist_ok=True)
        self.mounts.run_dir.chmod(0o711)

    def sweep(self) -> None:
        """Delete what an interrupted run left; call only while nothing unpacks or copies."""
        self._delete([*self._unused_bases(), *self._trash.iterdir()])

    def folder(self, vmid: int) -> Path:
        """Return the folder with all files of one container."""
        return self._containers / str(vmid)

    def existing(self) -> set[int]:
        """Return the vmids that have a folder, complete or partial."""
        if not self._containers.exists():
            return set()
        return {int(path.name) for path in self._containers.iterdir() if path.name.isdigit()}

    def create(self, vmid: int, archive: Path) -> None:
        """Unpack a tar archive (plain, gzip, xz, zstd) as the container's root; all or nothing."""
        data = self._new_folder(vmid) / "data"
        self._own_folder(data)
        try:
            self._unpack(vmid, archive, data)
        except BackendError:
            self.remove(vmid)
            raise

    def clone_linked(self, source: int, vmid: int) -> None:
        """Lay a new container over the base of a template."""
        with self._bases:  # no removal of the base between its check and the record of its use
            if not self.is_template(source):
                raise BackendError(f"CT {source} is no template: only a full clone is possible")
            base = self._base_name(self.folder(source))
            folder = self._new_folder(vmid)
            for name in ("upper", "work"):
                self._own_folder(folder / name)
            (folder / "base").write_text(base)

    def clone_full(self, source: int, vmid: int) -> None:
        """Copy a root file system of any kind, running or not; all or nothing."""
        folder = self._new_folder(vmid)
        try:
            self._copy(source, vmid, folder / "data")
        except BackendError:
            self.remove(vmid)
            raise

    def make_template(self, vmid: int) -> None:
        """Turn a stopped container's root into a new base; an interrupted call can be repeated."""
        folder = self.folder(vmid)
        if self.is_template(vmid):
            return
        if not (folder / "data").exists():
            run("rm", "-rf", folder / "partial")
            self._copy(vmid, vmid, folder / "partial")
            (folder / "partial").rename(folder / "data")
        self.mounts.unmount(vmid)
        base = f"{vmid}-{secrets.token_hex(4)}"
        with self._bases:  # recorded before it exists, so that it always has an owner
            (folder / "base").write_text(base)
            (folder / "data").rename(self._all_bases / base)
        self._delete(self._set_aside(folder / "upper", folder / "work"))

    def is_template(self, vmid: int) -> bool:
        """Whether the container is only a base for others."""
        folder = self.folder(vmid)
        own = (folder / "upper").exists() or (folder / "data").exists()
        return (folder / "base").exists() and not own

    def mount(self, vmid: int, first: int) -> Path:
        """Mount the root file system so that it belongs to the ids from `first` on."""
        if vmid in self.mounts.mounted():
            return self.mounts.root(vmid)
        target, folder = self.mounts.make_folder(vmid), self.folder(vmid)
        if (folder / "data").exists():
            self.mounts.mount_folder(vmid, folder / "data", self.ids.stored, first)
        else:
            base = self._all_bases / self._base_name(folder)
            self.mounts.mount_overlay(vmid, base, folder, self.ids.stored, first)
        return target

    def remove(self, vmid: int) -> None:
        """Remove the files of a container, and its base if no other uses it; idempotent."""
        self.mounts.unmount(vmid)
        self._delete([*self._set_aside(self.folder(vmid)), *self._unused_bases()])
        self._usage.pop(vmid, None)

    def unmount_all(self) -> None:
        """Undo every mount of this lab node."""
        for vmid in self.mounts.mounted():
            self.mounts.unmount(vmid)
        shutil.rmtree(self.mounts.run_dir, ignore_errors=True)

    def remove_files(self) -> None:
        """Remove the contents of the state folder, and nothing outside."""
        folders = (self._containers, self._all_bases, self._trash)
        run("rm", "-rf", "--one-file-system", *folders, timeout_s=COPY_TIMEOUT_S)

    def disk_bytes(self, vmid: int) -> int:
        """Return the container's own bytes (not its base's), counted at most once a minute."""
        at, size = self._usage.get(vmid, (0.0, 0))
        if at and time.monotonic() - at < USAGE_FRESH_S:
            return size
        folders = [self.folder(vmid) / name for name in ("upper", "data")]
        size = sum(_size(folder) for folder in folders if folder.exists())
        self._usage[vmid] = time.monotonic(), size
        return size

    def write_etc(self, root: Path, name: str, text: str, owner: int) -> None:
        """Replace a file in the container's /etc without following any link there."""
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            etc = os.open("etc", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
        except OSError as error:
            raise BackendError(f"the root file system has no folder /etc: {error}") from error
        finally:
            os.close(top)
        try:
            _replace(etc, name, text, owner)
        finally:
            os.close(etc)

    @property
    def _containers(self) -> Path:
        return self.state_dir / "containers"

    @property
    def _all_bases(self) -> Path:
        return self.state_dir / "bases"

    @property
    def _trash(self) -> Path:
        return self.state_dir / "trash"

    def _new_folder(self, vmid: int) -> Path:
        try:
            self.folder(vmid).mkdir(mode=0o700)
        except FileExistsError:
            raise BackendError(f"CT {vmid} already has files on this node") from None
        return self.folder(vmid)

    def _own_folder(self, path: Path) -> None:
        path.mkdir()
        path.chmod(0o755)
        os.chown(path, self.ids.stored, self.ids.stored)

    def _unpack(self, vmid: int, archive: Path, data: Path) -> None:
        with archive.open("rb") as file:
            start = file.read(6)
        packing = [option for magic, option in MAGIC.items() if start.startswith(magic)]
        # Runs as the container's root, not the host's, which limits what an archive can do. That
        # root cannot create devices; LXC provides its own.
        run(
            *("lxc-usernsexec", "-m", f"b:0:{self.ids.stored}:{ID_COUNT}", "--"),
            *("tar", "--extract", *packing, "--numeric-owner", "--preserve-permissions"),
            *("--xattrs", "--xattrs-include=user.*", "--xattrs-include=security.capability"),
            *("--anchored", "--exclude=./dev/*", "--exclude=dev/*", "--file=-"),
            stdin_file=archive,
            cwd=data,
            cgroup=self._work_group(vmid),
            timeout_s=COPY_TIMEOUT_S,
        )

    def _copy(self, source: int, vmid: int, target: Path) -> None:
        if self.is_template(source):
            origin = self._all_bases / self._base_name(self.folder(source))
            self._copy_tree(vmid, origin, target)
        elif source in self.mounts.mounted():
            self._copy_running(source, vmid, target)
        else:
            self._copy_tree(vmid, self.mount(source, self.ids.stored), target)
            self.mounts.unmount(source)

    def _copy_running(self, source: int, vmid: int, target: Path) -> None:
        """Copy the root file system of a running container, which shows the ids of its range.

        The copy is written through a mount with the same mapping, so that files on disk get the
        stored ids.
        """
        first = self.ids.find(self.folder(source)) or self.ids.stored
        with mapped(target.parent, self.ids.stored, first) as tree:
            shown = Path(f"/proc/{os.getpid()}/fd/{tree}/{target.name}")
            self._copy_tree(vmid, self.mounts.root(source), shown)

    def _copy_tree(self, vmid: int, origin: Path, target: Path) -> None:
        copy = ("cp", "--archive", "--reflink=auto", origin, target)
        run(*copy, cgroup=self._work_group(vmid), timeout_s=COPY_TIMEOUT_S)

    def _work_group(self, vmid: int) -> Path:
        return Cgroup(f"{self.group}/{vmid}/files", find_version()).make()

    def _base_name(self, folder: Path) -> str:
        path = folder / "base"
        name = path.read_text() if path.exists() else ""
        if not name or not (self._all_bases / name).is_dir():
            raise BackendError(f"CT {folder.name} has no root file system: destroy it")
        return name

    def _unused_bases(self) -> list[Path]:
        with self._bases:
            named = {path.read_text() for path in self._containers.glob("*/base")}
            unused = [path for path in self._all_bases.iterdir() if path.name not in named]
            return self._set_aside(*unused)

    def _set_aside(self, *paths: Path) -> list[Path]:
        """Take paths out of use at once; their deletion takes longer and may be interrupted."""
        aside = []
        for path in filter(Path.exists, paths):
            aside.append(path.rename(self._trash / secrets.token_hex(8)))
        return aside

    def _delete(self, paths: Iterable[Path]) -> None:
        for path in paths:
            run("rm", "-rf", "--one-file-system", path, timeout_s=COPY_TIMEOUT_S)


def _replace(etc: int, name: str, text: str, owner: int) -> None:
    fresh = f".{name}.{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(fresh, flags, 0o644, dir_fd=etc), "w") as file:
        os.fchmod(file.fileno(), 0o644)
        os.fchown(file.fileno(), owner, owner)
        file.write(text)
    os.replace(fresh, name, src_dir_fd=etc, dst_dir_fd=etc)


def _size(folder: Path) -> int:
    command = ["du", "-sx", "--block-size=1", str(folder)]
    try:  # files may be removed while du counts, which du reports as a failure: do not check
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        return 0
    return int(done.stdout.split()[0]) if done.stdout else 0
