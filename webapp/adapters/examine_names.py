"""Examines whether the desktops' names resolve to the desktops, as seen from this machine."""

import time
from collections.abc import Callable, Iterator, Sequence

from webapp.adapters.examine import examined
from webapp.adapters.resolver import SystemResolver
from webapp.domain.desktops.host_names import fqdn_of
from webapp.domain.upkeep.health import CheckResult, Health
from webapp.domain.upkeep.names import judge_name
from webapp.ports import Neighbour

PART = "desktop names"
#: A new desktop's name may take this long until the DNS server has it.
RETRY_AFTER = 5.0


class NamesExaminer:
    """Resolves the names of the newest and the oldest running desktop."""

    def __init__(
        self,
        domain: str,
        desktops: Callable[[], Sequence[Neighbour]],
        resolver: SystemResolver | None = None,
        retry_after: float = RETRY_AFTER,
    ) -> None:
        self._domain = domain
        self._desktops = desktops
        self._resolver = resolver or SystemResolver()
        self._retry_after = retry_after

    def examine(self) -> Iterator[CheckResult]:
        """Yields one result; none if the site gives desktops no names."""
        if self._domain:
            yield from examined(PART, self._examine_names)

    def _examine_names(self) -> Iterator[CheckResult]:
        desktops = self._desktops()
        if not desktops:
            yield CheckResult(
                PART,
                Health.UNKNOWN,
                "No desktop runs whose name could be looked up.",
                "Launch one.",
            )
            return
        results = [self._judge(one) for one in dict.fromkeys([desktops[0], desktops[-1]])]
        yield next((result for result in results if result.health is not Health.GOOD), results[0])

    def _judge(self, desktop: Neighbour) -> CheckResult:
        name = fqdn_of(desktop.name, self._domain) or ""
        result = judge_name(PART, name, desktop.address, self._resolver.addresses(name))
        if result.health is Health.GOOD:
            return result
        time.sleep(self._retry_after)
        return judge_name(PART, name, desktop.address, self._resolver.addresses(name))
