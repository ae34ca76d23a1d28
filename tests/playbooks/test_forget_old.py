"""Template builds delete old files of their own cache, and no other files."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.lab import PLAYBOOKS

FORGET = PLAYBOOKS / "roles/template_rootfs/files/forget-old"
FOREIGN = (
    "rootfs-backup.tar.zst",
    "rootfs-of-anna.tar.zst",
    "rootfs-0123456789abc.tar.zst",
    "rootfs-0123456789ab.tar.zst.orig",
    "my-rootfs-0123456789ab.tar.zst",
    "base-0123456789ab.tar.zst",
    "rootfs-a b.tar.zst",
)


def forget(folder: Path, name: str = "rootfs", kept: int = 3) -> subprocess.CompletedProcess[str]:
    command = [str(FORGET), str(folder), name, str(kept)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def aged(file: Path, hours: int) -> Path:
    file.write_bytes(b"kept")
    os.utime(file, (1_700_000_000 - 3600 * hours,) * 2)
    return file


@pytest.mark.parametrize("place", ["cache", "a folder with spaces"])
def test_the_newest_three_stay(tmp_path: Path, place: str) -> None:
    folder = tmp_path / place
    folder.mkdir()
    files = [aged(folder / f"rootfs-{hours:012x}.tar.zst", hours) for hours in range(5)]
    assert forget(folder).returncode == 0
    assert [file.exists() for file in files] == [True, True, True, False, False]


def test_what_somebody_else_put_there_stays(tmp_path: Path) -> None:
    theirs = [aged(tmp_path / name, 100 + n) for n, name in enumerate(FOREIGN)]
    folder = tmp_path / "rootfs-ffffffffffff.tar.zst"
    folder.mkdir()
    for hours in range(5):
        aged(tmp_path / f"rootfs-{hours:012x}.tar.zst", hours)
    assert forget(tmp_path, kept=0).returncode == 0
    assert sorted(tmp_path.iterdir()) == sorted([*theirs, folder])


def test_a_name_that_no_build_uses_removes_nothing(tmp_path: Path) -> None:
    theirs = aged(tmp_path / "photos-0123456789ab.tar.zst", 1)
    refused = forget(tmp_path, "photos", kept=0)
    assert refused.returncode != 0
    assert "nothing called photos" in refused.stderr
    assert theirs.exists()
