"""A root file system of two megabytes for tests: busybox and an init that serves one page."""

import hashlib
import io
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

# Process 1 receives only signals that it handles; LXC sends PWR for a shutdown. `shutdown`, and the
# file that it waits for, simulate a container that ignores the request.
INIT = """#!/bin/sh
[ ! -e /etc/broken ] || exit 1
[ -e /etc/deaf ] || trap 'exit 0' PWR
httpd -p 80 -h /www
while :; do sleep 1; done
"""
FILES = {
    "sbin/init": (INIT, 0o755),
    "etc/passwd": ("root:x:0:0:root:/:/bin/sh\n", 0o644),
    "etc/group": ("root:x:0:\n", 0o644),
    "etc/hostname": ("name-of-the-template\n", 0o644),
    "www/index.html": ("hello from the container\n", 0o644),
}
FOLDERS = "bin sbin etc dev proc sys run tmp root www var usr".split()


def make_archive() -> Path:
    """Return the archive; made once for each change of this file."""
    cache = Path(os.environ.get("WINUX_CACHE_DIR", "/var/cache/winux"))
    key = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    archive = cache / f"test-rootfs-{key}.tar.gz"
    if not archive.exists():
        cache.mkdir(parents=True, exist_ok=True)
        partial = archive.with_suffix(f".{os.getpid()}")
        write_archive(partial, _fetch_busybox())
        partial.rename(archive)
    return archive


def write_archive(
    path: Path, busybox: bytes, extra: dict[str, tuple[str, int]] | None = None
) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for folder in FOLDERS:
            tar.addfile(_entry(folder, tarfile.DIRTYPE, 0o755))
        _add_file(tar, "bin/busybox", busybox, 0o755)
        for name in _commands(busybox):
            tar.addfile(_entry(f"bin/{name}", tarfile.SYMTYPE, 0o777, "busybox"))
        for name, (text, mode) in (FILES | (extra or {})).items():
            _add_file(tar, name, text.encode(), mode)


def _fetch_busybox() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        fetch = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "busybox-static"]
        subprocess.run(fetch, cwd=folder, check=True, capture_output=True)
        (package,) = Path(folder).glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
        return (Path(folder) / "bin/busybox").read_bytes()


def _commands(busybox: bytes) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "busybox"
        program.write_bytes(busybox)
        program.chmod(0o755)
        listed = subprocess.run([program, "--list"], check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split() if name not in ("busybox", "init")]


def _add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = _entry(name, tarfile.REGTYPE, mode)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _entry(name: str, kind: bytes, mode: int, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"./{name}")
    entry.type, entry.mode, entry.linkname = kind, mode, target
    return entry
