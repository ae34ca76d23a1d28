"""A terminal in the desktop that writes its input to a file, to check what is typed."""

import time
from types import TracebackType

from bench.inside import Inside

FILE = "/tmp/typed"


class Typed:
    """`with Typed(inside) as typed:` opens the terminal; `text()` returns the input so far."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    def __enter__(self) -> "Typed":
        self._inside.run(f"rm -f {FILE}")
        self._inside.start(
            f"xfce4-terminal --disable-server --geometry 90x20+200+150 -x sh -c 'cat > {FILE}'"
        )
        self._wait(lambda: self._inside.run(f"test -e {FILE} && echo yes || true") != b"")
        time.sleep(1)  # the window gets the keyboard focus a moment after it appears
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._inside.run("pkill xfce4-terminal; true")

    def text(self) -> str:
        return self._inside.run(f"cat {FILE}").decode()

    def wait_for(self, text: str, timeout_s: float = 5) -> str:
        """Wait until `text` has arrived or the timeout is over; return the whole input."""
        self._wait(lambda: text in self.text(), timeout_s)
        return self.text()

    def _wait(self, is_there: object, timeout_s: float = 15) -> None:
        assert callable(is_there)
        give_up = time.monotonic() + timeout_s
        while not is_there() and time.monotonic() < give_up:
            time.sleep(0.1)
