"""How healthy a part of the installation is, judged from measured values alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: A larger difference of a clock makes deadlines wrong; a much larger one breaks certificates too.
SKEW_SEEN, SKEW_BAD = timedelta(seconds=10), timedelta(minutes=2)
#: A worker without a heartbeat for this long counts as stopped.
WORKER_SILENT = timedelta(seconds=30)
#: A certificate that ends within this time should be renewed now.
RENEW_BEFORE = timedelta(days=14)
GIB = 1 << 30
SPACE_LOW, SPACE_BAD = 2 * GIB, GIB // 5
#: The supported versions of Proxmox VE.
VERSIONS = ("8", "9")
#: Types of storage that can make linked clones; the others copy the whole disk.
LINKED_CLONES = frozenset({"btrfs", "lvmthin", "zfspool", "zfs", "rbd"})


class Health(StrEnum):
    """From well to broken; `unknown` is a part that could not be examined."""

    GOOD = "good"
    WARN = "warn"
    UNKNOWN = "unknown"
    BAD = "bad"


@dataclass(frozen=True)
class CheckResult:
    """The finding for one part; `cure` is how to repair it, in plain words."""

    part: str
    health: Health
    text: str
    cure: str = ""


def is_well(signs: Iterable[CheckResult]) -> bool:
    """Whether nothing is broken; warnings and unknown parts do not count."""
    return all(sign.health is not Health.BAD for sign in signs)


def judge_clock(theirs: datetime, ours: datetime) -> CheckResult:
    """Compares the node's clock with this machine's; both times are aware."""
    skew = abs(theirs - ours)
    if skew <= SKEW_SEEN:
        return CheckResult("clock", Health.GOOD, "The node's clock and this machine's agree.")
    seconds = round(skew.total_seconds())
    health = Health.BAD if skew > SKEW_BAD else Health.WARN
    return CheckResult(
        "clock",
        health,
        f"The node's clock and this machine's differ by {seconds} s, so deadlines do, too.",
        "Let both follow a time server: timedatectl set-ntp true",
    )


def judge_certificate(ends_at: datetime, now: datetime) -> CheckResult:
    """Judges a trusted certificate with the right name by its end."""
    day = f"{ends_at:%Y-%m-%d}"
    if ends_at - now > RENEW_BEFORE:
        return CheckResult("certificate", Health.GOOD, f"Trusted, and valid until {day}.")
    return CheckResult(
        "certificate",
        Health.WARN,
        f"The API's certificate ends on {day}.",
        "Renew it on the node: pvecm updatecerts --force (or through ACME), then restart pveproxy.",
    )


def judge_version(version: str) -> CheckResult:
    """Judges the version of Proxmox VE, such as 9.1.2."""
    if version.partition(".")[0] in VERSIONS:
        return CheckResult("Proxmox VE", Health.GOOD, f"Version {version} answers.")
    return CheckResult(
        "Proxmox VE",
        Health.WARN,
        f"Version {version} answers; Winux is made for 8 and 9.",
        "Update the node, or expect what nobody has tried.",
    )


def judge_storage(name: str, kind: str, *, is_active: bool, content: str, free: int) -> CheckResult:
    """Judges the storage of the desktops' disks; `free` in bytes."""
    if not is_active:
        return CheckResult(
            "storage",
            Health.BAD,
            f"The storage {name} is stopped or disabled.",
            f"On the node: pvesm status; then: pvesm set {name} --disable 0, or mount what it lies "
            "on.",
        )
    if "rootdir" not in content.split(","):
        return CheckResult(
            "storage",
            Health.BAD,
            f"The storage {name} does not take containers' disks.",
            f"On the node: pvesm set {name} --content rootdir,images",
        )
    if free < SPACE_LOW:
        return CheckResult(
            "storage",
            Health.BAD if free < SPACE_BAD else Health.WARN,
            f"The storage {name} has only {free / GIB:.1f} GiB free.",
            "Free space there, or make it larger: new desktops fail when it is full.",
        )
    if kind not in LINKED_CLONES:
        return CheckResult(
            "storage",
            Health.WARN,
            f"The storage {name} ({kind}) cannot make linked clones: each launch copies the "
            "whole disk.",
            "Use LVM-thin, ZFS, Btrfs or Ceph: set proxmox_storage and build the template there.",
        )
    return CheckResult("storage", Health.GOOD, f"{name} ({kind}) makes linked clones.")


def judge_limits(nodes: Sequence[str]) -> CheckResult:
    """Limits of the node's kernel, which the API does not report."""
    return CheckResult(
        "kernel limits",
        Health.UNKNOWN,
        "Proxmox does not tell the limits of a node's kernel. All unprivileged containers use one "
        "range of user ids, so that one desktop can use up inotify instances and keys for all.",
        f"On {', '.join(nodes)} as root: sysctl fs.inotify.max_user_instances "
        "fs.inotify.max_user_watches kernel.keys.maxkeys kernel.keys.maxbytes; "
        "docs/admin/proxmox.md#kernel-limits says what to set."[:500],
    )


def judge_space(part: str, folder: str, free: int) -> CheckResult:
    """Judges a file system that Winux writes to; `free` in bytes."""
    if free >= SPACE_LOW:
        return CheckResult(part, Health.GOOD, f"{free / GIB:.0f} GiB free at {folder}.")
    return CheckResult(
        part,
        Health.BAD if free < SPACE_BAD else Health.WARN,
        f"Only {free / GIB:.1f} GiB free at {folder}.",
        f"Free space on the disk of {folder}: df -h {folder}",
    )
