"""Records what every process of the machine reveals to others: arguments and environment."""

import threading
from pathlib import Path


class Witness(threading.Thread):
    """Keeps each command line and environment that it has seen."""

    EVERY_S = 0.1

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._seen: set[bytes] = set()
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.wait(self.EVERY_S):
            self._look()

    def stop(self) -> None:
        self._is_over.set()
        self.join()

    def shows(self, word: str) -> list[str]:
        """Return what was seen with that word in it, without the text after the word."""
        wanted = word.encode()
        return [
            text.partition(wanted)[0][-200:].decode(errors="replace")
            for text in self._seen.copy()
            if wanted in text
        ]

    def _look(self) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    self._seen.add((process / name).read_bytes())
                except OSError:
                    continue  # it ended during the check
