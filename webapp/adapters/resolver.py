"""Resolves host names as the programs of this machine do: hosts file, DNS, whatever it uses."""

from webapp.adapters.bounded_program import run_bounded
from webapp.domain.errors import OutsideFailed

CALL_SECONDS = 5.0
MOST_BYTES = 65_536
#: `getent` exits with this status if the name has no address.
NOT_FOUND = 2


class SystemResolver:
    """Asks the C library through `getent`, which can be ended; a call of the library cannot."""

    def __init__(self, seconds: float = CALL_SECONDS) -> None:
        self._seconds = seconds

    def addresses(self, name: str) -> list[str]:
        """Return the IPv4 addresses of `name`; none if it has none. Raises OutsideFailed."""
        said = run_bounded(
            ["getent", "ahostsv4", name], b"", seconds=self._seconds, most=MOST_BYTES
        )
        if not said.is_whole:
            raise OutsideFailed(
                f"The DNS server did not answer for {name} within {self._seconds:.0f} s.",
                retry=True,
            )
        if said.code == NOT_FOUND:
            return []
        if said.code:
            raise OutsideFailed(f"getent failed for {name} with status {said.code}.", retry=True)
        lines = said.output.decode(errors="replace").splitlines()
        return list(dict.fromkeys(line.split()[0] for line in lines if line.split()))
