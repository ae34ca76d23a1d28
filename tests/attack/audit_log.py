"""Many refused requests, to fill the audit log."""

from tests.attack.catalogue import attack
from tests.attack.promise import Broken
from tests.attack.target import Target

SAME, OTHERS = 60, 40
#: Maximum entries per person, action and reason within five minutes, plus one that names no
#: desktop.
MOST_ENTRIES = 21


@attack(
    "audit: the same refusal again and again, and one for each of many desktops",
    f"at most {MOST_ENTRIES} entries, whose counts say all",
    quick=True,
)
def refusals(target: Target) -> str:
    noisy = target.client("noisy")
    ids = ["desktop-00000000"] * SAME + [f"desktop-{number:08x}" for number in range(1, OTHERS + 1)]
    for desktop_id in ids:
        status = noisy.api("POST", f"/sessions/{desktop_id}/stop").status
        if status != 404:
            raise Broken(f"an unknown desktop is answered with {status}")
    words = ("audit", "list", "--person", "noisy", "--refused", "--limit", "1000")
    entries = [row for row in target.portal.ask(*words) if row["action"] == "desktop.stop"]
    times = sum(int(row["times"]) for row in entries)
    if len(entries) > MOST_ENTRIES or times < len(ids):
        raise Broken(f"{len(ids)} refusals are {len(entries)} entries, which count {times}")
    return f"{len(ids)} refusals are {len(entries)} entries, which count {times}"
