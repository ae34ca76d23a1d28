"""Maps the user and group ids inside each container to ids of the host.

The kernel counts keys, pipes, inotify instances and more per user id of the host. Therefore two
containers never share an id. On disk all root file systems have the ids of one range, the `stored`
one: a template and its clones share files, and only the mount of a container shows them as its own.

A link per range in one folder of the machine names the container that holds it. A range is free
again when the folder of its container is removed, regardless of the lab node that created it.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labnode.backend import BackendError

ID_COUNT = 65536
RANGES = 1024
#: Persists like the containers; shared by all lab nodes of the machine.
HOLDERS = Path("/var/lib/winux-labnode/id-ranges")
SUBORDINATE_IDS = (Path("/etc/subuid"), Path("/etc/subgid"))


@dataclass(frozen=True)
class IdRanges:
    """The id range on disk, and the ranges of containers, which begin at `first`."""

    stored: int
    first: int
    holders: Path = HOLDERS

    def find(self, folder: Path) -> int | None:
        """Return the first id of the range that the container in this folder holds, if any."""
        for number, holder in self._held():
            if holder == folder:
                return self.first + number * ID_COUNT
        return None

    def take(self, folder: Path) -> int:
        """Return the first id of this folder's range; take the lowest free range if it has none."""
        with _only_one(self.holders):
            if (own := self.find(folder)) is not None:
                return own
            held = {number for number, holder in self._held() if holder.exists()}
            free = next((number for number in range(RANGES) if number not in held), None)
            if free is None:
                raise BackendError(f"all {RANGES} ranges of user ids are taken: remove containers")
            link = self.holders / str(free)
            link.unlink(missing_ok=True)
            link.symlink_to(folder)
            return self.first + free * ID_COUNT

    def _held(self) -> list[tuple[int, Path]]:
        if not self.holders.exists():
            return []
        return [(int(link.name), link.readlink()) for link in self.holders.iterdir()
                if link.name.isdigit()]  # fmt: skip


def reserve_ranges() -> IdRanges:
    """Return the ids that root holds on this machine for containers; reserve them if missing."""
    stored = reserve_ids(SUBORDINATE_IDS, ID_COUNT)
    return IdRanges(stored, reserve_ids(SUBORDINATE_IDS, RANGES * ID_COUNT, apart_from=stored))


def reserve_ids(files: tuple[Path, ...], count: int, apart_from: int | None = None) -> int:
    """Return the first of `count` ids that root holds in all files; reserve them if missing.

    A new range begins after all others.

    The range excludes the ID_COUNT ids from `apart_from` on.
    """
    held = [_read(path) for path in files]
    for name, first, size in held[0]:
        is_apart = apart_from is None or not first - ID_COUNT < apart_from < first + size
        is_common = all((name, first, size) in ranges for ranges in held)
        if name == "root" and size >= count and is_apart and is_common:
            return first
    first = max([100_000, *(start + size for ranges in held for _, start, size in ranges)])
    for path in files:
        with path.open("a") as file:
            file.write(f"root:{first}:{count}\n")
    return first


def _read(path: Path) -> list[tuple[str, int, int]]:
    lines = path.read_text().splitlines() if path.exists() else []
    parts = (line.split(":") for line in lines if line.count(":") == 2)
    return [(name, int(first), int(size)) for name, first, size in parts]


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
