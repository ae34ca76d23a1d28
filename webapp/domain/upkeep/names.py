"""Judges what DNS answers for the name of a running desktop."""

from collections.abc import Sequence

from webapp.domain.upkeep.health import CheckResult, Health

GUIDE = "docs/admin/names.md has an example."


def judge_name(part: str, name: str, address: str, found: Sequence[str]) -> CheckResult:
    """Judges the addresses that were found for a desktop's name; `address` is the desktop's."""
    if list(found) == [address]:
        return CheckResult(part, Health.GOOD, f"{name} is {address}, as it should be.")
    if not found:
        return CheckResult(
            part,
            Health.BAD,
            f"{name} has no address, so the .rdp files of desktops open nothing.",
            "Set WINUX_HOSTS_FILE, and let the DNS server read that file and answer for the "
            f"domain; {GUIDE}",
        )
    return CheckResult(
        part,
        Health.BAD,
        f"{name} is {', '.join(found)}, but the desktop is at {address}."[:500],
        "Each name needs the address of its own desktop; one wildcard record gives all names the "
        f"same. {GUIDE}",
    )
