"""What a refusal says to the person, for tests: its sentence in English."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from webapp.domain.errors import WinuxError
from webapp.texts.sentences import sentence

Error = TypeVar("Error", bound=WinuxError)


@contextmanager
def refuses(kind: type[Error], *, match: str) -> Iterator[pytest.ExceptionInfo[Error]]:
    """The block must raise a `kind` whose sentence matches, as `pytest.raises` does for others."""
    with pytest.raises(kind) as refused:
        yield refused
    said = sentence(refused.value)
    assert re.search(match, said), f"{said!r} does not match {match!r}"
