"""The list of attacks: the action of each, the promise of Winux, and the function to run."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from tests.attack import __path__ as here
from tests.attack.target import Target

Try = Callable[[Target], str]


@dataclass(frozen=True)
class Attack:
    """One attack; `attempt` returns its observation, or raises Broken."""

    name: str
    promise: str
    attempt: Try
    is_quick: bool


_attacks: dict[str, Attack] = {}


def attack(name: str, promise: str, *, quick: bool = False) -> Callable[[Try], Try]:
    """Add a function to the list; `quick` attacks take seconds and run in `make test`."""

    def add(attempt: Try) -> Try:
        assert name not in _attacks, f"two attacks are called {name!r}"
        _attacks[name] = Attack(name, promise, attempt, quick)
        return attempt

    return add


def all_attacks() -> list[Attack]:
    """Return every attack of every module in this package, by name."""
    for module in pkgutil.iter_modules(here):
        if not module.name.startswith(("test_", "__")):
            importlib.import_module(f"tests.attack.{module.name}")
    return sorted(_attacks.values(), key=lambda one: one.name)
