"""How well a part of the installation is."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """From well to broken; `unknown` is what could not be looked at."""

    GOOD = "good"
    WARN = "warn"
    UNKNOWN = "unknown"
    BAD = "bad"


@dataclass(frozen=True)
class Sign:
    """What was found of one part; `cure` says how to mend it, in plain words."""

    part: str
    health: Health
    text: str
    cure: str = ""


def is_well(signs: Iterable[Sign]) -> bool:
    """Whether nothing is broken; a warning or an unknown breaks nothing."""
    return all(sign.health is not Health.BAD for sign in signs)
