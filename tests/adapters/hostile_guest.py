"""Imagined desktops whose root lies: `python -m tests.adapters.hostile_guest`, as chaos.guests.

A file `lies.json` beside their knowledge says how each answer is changed: `fields` are put over the
honest ones, `text` stands in place of the whole answer.
"""

import contextlib
import json
from typing import Any

from tests.chaos.guests import Guest, main


class HostileGuest(Guest):
    """Answers SSH and RDP as an honest one, and lies about everything else."""

    def _spelled(self, answer: dict[str, Any]) -> str:
        lies: dict[str, Any] = {}
        with contextlib.suppress(FileNotFoundError):
            lies = json.loads(self._file.with_name("lies.json").read_text())
        return str(lies.get("text") or json.dumps(answer | lies.get("fields", {})))


if __name__ == "__main__":
    main(HostileGuest)
