"""The mounts of a container below the run folder: its root file system and its namespace.

<run folder>/<vmid>/rootfs        the root file system, under the ids of the container's range
<run folder>/<vmid>/userns        its user namespace, as long as the container may start
<run folder>/<vmid>/base, own     layers of an overlay, mounted only until the overlay is mounted
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labnode.command import run
from labnode.namespaces import keep_namespace, mount_as

NAMESPACE = "userns"


@dataclass(frozen=True)
class Mounts:
    """The mounts of all containers of one lab node.

    Files on disk have ids from `stored` on; the mounts map them to ids from `first` on.
    """

    run_dir: Path

    def folder(self, vmid: int) -> Path:
        """Return the folder of a running container's LXC configuration and mounts."""
        return self.run_dir / str(vmid)

    def root(self, vmid: int) -> Path:
        """Return the mount point of its root file system."""
        return self.folder(vmid) / "rootfs"

    def mounted(self) -> set[int]:
        """Return the vmids that have any mount."""
        return {int(target.parent.name) for target in self._targets()}

    def make_folder(self, vmid: int) -> Path:
        """Create the folders above the root file system, traversable for the container."""
        root = self.root(vmid)
        root.mkdir(parents=True, exist_ok=True)
        self.folder(vmid).chmod(0o711)
        root.chmod(0o755)
        return root

    def keep_namespace(self, vmid: int, first: int) -> None:
        """Create the container's user namespace before the container starts."""
        keep_namespace(self.folder(vmid) / NAMESPACE, first)

    def mount_folder(self, vmid: int, data: Path, stored: int, first: int) -> None:
        """Mount a folder as the root file system."""
        if first == stored:
            run("mount", "--bind", "-o", "nodev", data, self.root(vmid))
        else:
            mount_as(data, self.root(vmid), stored, first, read_only=False)

    def mount_overlay(self, vmid: int, base: Path, own: Path, stored: int, first: int) -> None:
        """Mount an overlay of `own` over a base.

        Both are first mounted under short names: overlay options cannot hold every path.
        """
        layers = {"base": base, "own": own}
        try:
            for name, source in layers.items():
                target = self.folder(vmid) / name
                target.mkdir(exist_ok=True)
                mount_as(source, target, stored, first, read_only=name == "base")
            names = "nodev,lowerdir=base,upperdir=own/upper,workdir=own/work"
            overlay = ("mount", "-t", "overlay", "overlay", "-o", names, self.root(vmid))
            run(*overlay, cwd=self.folder(vmid))
        finally:
            for name in layers:  # the overlay has its own mounts of them
                self._unmount(self.folder(vmid) / name)

    def unmount(self, vmid: int) -> None:
        """Unmount everything and remove the folder; only after all its processes have ended."""
        while targets := [one for one in self._targets() if one.parent == self.folder(vmid)]:
            for target in reversed(targets):
                self._unmount(target)
        if self.root(vmid).exists():
            self.root(vmid).rmdir()  # fails instead of deleting if it is not empty
        if self.folder(vmid).exists():
            run("rm", "-rf", "--one-file-system", self.folder(vmid))

    def _unmount(self, target: Path) -> None:
        if target in self._targets():
            run("umount", "--lazy", target)

    def _targets(self) -> list[Path]:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        targets = (Path(line.split()[4]) for line in lines)
        return [path for path in targets
                if path.parent.parent == self.run_dir and path.parent.name.isdigit()]  # fmt: skip
