"""Refusals as sentences in the person's language."""

from collections.abc import Mapping
from typing import Protocol

from webapp.domain.errors import WinuxError
from webapp.texts import sentences
from webapp.web.language import catalogue


class Entry(Protocol):
    """What an audit entry and its line have in common."""

    @property
    def refusal(self) -> Mapping[str, object] | None: ...
    @property
    def detail(self) -> str: ...


def message_of(error: WinuxError) -> str:
    """Return what happened."""
    return sentences.message(error, catalogue())


def what_to_do(error: WinuxError) -> str:
    """Return how to continue; empty if the message says it all."""
    return sentences.what_to_do(error, catalogue())


def sentence_of(error: WinuxError) -> str:
    """Return what happened and how to continue."""
    return sentences.sentence(error, catalogue())


def detail_of(entry: Entry) -> str:
    """Return an audit entry's sentence: translated for a refusal, otherwise its English text."""
    return sentences.stored_message(entry.refusal, catalogue()) if entry.refusal else entry.detail
