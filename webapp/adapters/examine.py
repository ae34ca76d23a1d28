"""Shared by all examiners: a failed examination yields *unknown*, whatever the cause."""

import logging
from collections.abc import Callable, Iterable, Iterator

from sqlalchemy.exc import SQLAlchemyError

from webapp.domain.errors import WinuxError
from webapp.domain.upkeep.health import Health, Sign

log = logging.getLogger(__name__)


def looked(part: str, look: Callable[[], Iterable[Sign]]) -> Iterator[Sign]:
    """Yields what `look` finds, or one unknown sign if it fails.

    It never raises the failure, so the other parts are still examined.
    """
    try:
        yield from look()
    except WinuxError as error:
        yield Sign(
            part, Health.UNKNOWN, f"Could not be looked at: {error.message}"[:500], error.what_to_do
        )
    except (OSError, SQLAlchemyError) as error:
        yield Sign(
            part, Health.UNKNOWN, f"Could not be looked at: {type(error).__name__}: {error}"[:500]
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        log.info("the answer about %s could not be read: %r", part, error)
        yield Sign(
            part,
            Health.UNKNOWN,
            "Could not be looked at: what was answered makes no sense.",
            "Check that what answers there is what it should be; a proxy may answer in its place.",
        )
