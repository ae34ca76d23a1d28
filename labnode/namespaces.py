"""User namespaces of containers, and mounts that show files under other ids.

The kernel charges a user namespace, and everything that is counted in it, to the user that created
it. If root created all of them, one container could use up the inotify instances of the others and
of the host's root. Therefore the first id of a container's own range creates its namespace.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labnode.backend import BackendError
from labnode.command import run
from labnode.id_ranges import ID_COUNT

# Kernel constants, the same on all architectures.
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
AT_FDCWD, AT_EMPTY_PATH, OPEN_TREE_CLONE, MOVE_EMPTY_PATH = -100, 0x1000, 1, 4
READ_ONLY, NO_DEVICES, MAPPED = 0x1, 0x4, 0x100000

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    """The argument structure of `mount_setattr`."""

    _fields_ = (
        ("to_set", ctypes.c_uint64),
        ("to_clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


def keep_namespace(path: Path, first: int) -> None:
    """Create a container's user namespace, and bind it to this path until that is unmounted."""
    path.touch()
    with _namespace(f"0 {first} {ID_COUNT}\n", maker=first) as made:
        run("mount", "--bind", made, path)


def mount_as(source: Path, target: Path, stored: int, first: int, *, read_only: bool) -> None:
    """Mount a folder so that files with stored ids appear with the ids from `first` on."""
    with mapped(source, stored, first, read_only=read_only) as tree:
        path = os.fsencode(target)
        _call(MOVE_MOUNT, tree, b"", AT_FDCWD, path, MOVE_EMPTY_PATH, what=f"mount {target}")


@contextmanager
def mapped(source: Path, stored: int, first: int, *, read_only: bool = False) -> Iterator[int]:
    """Return a descriptor of the folder, mapped as by `mount_as` but without a mount point."""
    flags = OPEN_TREE_CLONE | os.O_CLOEXEC
    tree = _call(OPEN_TREE, AT_FDCWD, os.fsencode(source), flags, what=f"open {source}")
    try:
        # Root remains root: an overlay creates its working files as root.
        with _namespace(f"0 0 1\n{stored} {first} {ID_COUNT}\n") as namespace:
            _map(tree, source, namespace, NO_DEVICES | (READ_ONLY if read_only else 0))
        yield tree
    finally:
        os.close(tree)


def _map(tree: int, source: Path, namespace: Path, flags: int) -> None:
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        wish = _Attributes(MAPPED | flags, 0, 0, descriptor)
        size = ctypes.sizeof(wish)
        what = (
            f"show {source} under a container's ids (this needs Linux 5.19, and ext4, XFS or Btrfs)"
        )
        _call(MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, ctypes.byref(wish), size, what=what)
    finally:
        os.close(descriptor)


@contextmanager
def _namespace(ids: str, maker: int = 0) -> Iterator[Path]:
    """Yield the path of a user namespace with these ids, created by `maker`, for the block."""
    right = "--inh-caps=+sys_admin --ambient-caps=+sys_admin"
    become = f"setpriv --reuid={maker} --regid={maker} --clear-groups {right}"
    command = f"exec {become} unshare --user sh -c 'echo made; read end'"
    pipe = subprocess.PIPE
    with subprocess.Popen(["sh", "-c", command], stdin=pipe, stdout=pipe, stderr=pipe) as child:
        if child.stdout is None or not child.stdout.readline():
            _, errors = child.communicate()
            raise BackendError(f"cannot make a user namespace: {errors.decode().strip()}")
        folder = Path(f"/proc/{child.pid}")
        try:
            for name in ("uid_map", "gid_map"):
                (folder / name).write_text(ids)
            yield folder / "ns/user"
        finally:
            child.communicate(b"\n")


def _call(number: int, *args: object, what: str) -> int:
    result = int(_libc.syscall(number, *args))
    if result < 0:
        raise BackendError(f"cannot {what}: {os.strerror(ctypes.get_errno())}")
    return result
