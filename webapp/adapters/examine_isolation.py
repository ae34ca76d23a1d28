"""Tests, from inside one running desktop, whether it can reach another."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from webapp.adapters.examine import examined
from webapp.adapters.guest import ask_guest
from webapp.adapters.guest_answer import parse_reach
from webapp.domain.errors import OutsideFailed
from webapp.domain.upkeep.firewall import judge_no_trial, judge_trial
from webapp.domain.upkeep.health import CheckResult
from webapp.ports import Neighbour

PORTS = (22, 3389)
#: The maximum number of desktops that are asked until one responds.
MOST_ASKED = 3


class IsolationExaminer:
    """Asks a desktop over the portal's SSH. A hostile desktop may lie, but it is one of many."""

    def __init__(self, key_file: Path, desktops: Callable[[], Sequence[Neighbour]]) -> None:
        self._key_file = key_file
        self._desktops = desktops

    def examine(self) -> Iterator[CheckResult]:
        """Yields one sign."""
        yield from examined("isolation", self._try)

    def _try(self) -> Iterator[CheckResult]:
        desktops = self._desktops()
        trouble = "fewer than two desktops of different people run."
        for source, target in pairs(desktops)[:MOST_ASKED]:
            try:
                yield judge_trial(source.name, target.name, PORTS, self._reached(source, target))
                return
            except OutsideFailed as error:
                trouble = f"{source.name} was asked. {error.message}"
        yield judge_no_trial(trouble)

    def _reached(self, source: Neighbour, target: Neighbour) -> list[int]:
        """Returns the ports of `target` that `source` could open."""
        request = {"do": "reach", "address": target.address, "ports": list(PORTS)}
        answer = ask_guest(
            source.address, source.ssh_host_key_sha256, self._key_file, request, parse_reach
        )
        return [port for port in PORTS if port in answer]


def pairs(desktops: Sequence[Neighbour]) -> list[tuple[Neighbour, Neighbour]]:
    """Pairs each desktop with one of another owner; one owner's may be allowed to connect."""
    found = []
    for source in desktops:
        others = (one for one in desktops if one.owner != source.owner or one.owner is None)
        target = next((one for one in others if one.name != source.name), None)
        if target:
            found.append((source, target))
    return found
