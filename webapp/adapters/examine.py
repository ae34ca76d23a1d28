"""Shared by all examiners: a failed examination yields *unknown*, whatever the cause."""

import logging
from collections.abc import Callable, Iterable, Iterator

from sqlalchemy.exc import SQLAlchemyError

from webapp.domain.errors import WinuxError
from webapp.domain.upkeep.health import CheckResult, Health
from webapp.texts.sentences import message, what_to_do

log = logging.getLogger(__name__)


def examined(part: str, look: Callable[[], Iterable[CheckResult]]) -> Iterator[CheckResult]:
    """Yields what `look` finds, or one unknown sign if it fails.

    It never raises the failure, so the other parts are still examined.
    """
    try:
        yield from look()
    except WinuxError as error:
        text = f"Could not be examined: {message(error)}"
        yield CheckResult(part, Health.UNKNOWN, text[:500], what_to_do(error))
    except (OSError, SQLAlchemyError) as error:
        yield CheckResult(
            part, Health.UNKNOWN, f"Could not be examined: {type(error).__name__}: {error}"[:500]
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        log.info("Invalid response while examining %s: %r", part, error)
        yield CheckResult(
            part,
            Health.UNKNOWN,
            "Could not be examined: what was answered makes no sense.",
            "Check that what answers there is what it should be; a proxy may answer in its place.",
        )
