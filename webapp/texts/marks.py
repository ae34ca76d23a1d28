"""Marks texts for gettext's extraction, and holds them until they are translated."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Plural:
    """A text with a form for one and for many; the number is the parameter `by`."""

    one: str
    many: str
    by: str


Text = str | Plural


@dataclass(frozen=True)
class Sentence:
    """What a refusal says: what happened, and how to continue. `%(name)s` is a parameter."""

    message: Text
    what_to_do: Text = ""


#: Sentences by code.
Catalogue = Mapping[str, Sentence]


def _(text: str) -> str:
    """Mark a text."""
    return text


def plural(one: str, many: str, by: str) -> Plural:
    """Mark a text with plural forms."""
    return Plural(one, many, by)
