"""Simulated desktops with a hostile root: `python -m tests.adapters.hostile_guest`.

They behave like those of chaos.guests. A file `lies.json` beside their state replaces each answer:
`fields` override the genuine ones, and `text` replaces the complete answer.
"""

import contextlib
import json
from typing import Any

from tests.chaos.guests import Guest, main


class HostileGuest(Guest):
    """Answers SSH and RDP correctly, and everything else with forged values."""

    def _spelled(self, answer: dict[str, Any]) -> str:
        lies: dict[str, Any] = {}
        with contextlib.suppress(FileNotFoundError):
            lies = json.loads(self._file.with_name("lies.json").read_text())
        return str(lies.get("text") or json.dumps(answer | lies.get("fields", {})))


if __name__ == "__main__":
    main(HostileGuest)
