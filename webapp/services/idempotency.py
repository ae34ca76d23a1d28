"""Idempotency keys: a request that is sent twice is processed once."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.errors import Refused
from webapp.models import Repeat
from webapp.ports import Clock, Database

#: How long a key identifies its request.
KEPT = timedelta(hours=24)
#: After this time a request without a response is assumed to have died with its process, and may
#: be processed again.
LONGEST_WORK = timedelta(minutes=2)


@dataclass(frozen=True)
class Turn:
    """The caller must process the request, unless `done` is set: then it was processed before."""

    repeat_id: int
    token: str
    done: "Done | None"


@dataclass(frozen=True)
class Done:
    """The status of the response, and the thing that it was about."""

    status: int
    reference: str


class IdempotencyKeys:
    """Stores requests by person and key."""

    def __init__(self, db: Database, clock: Clock, config: Config) -> None:
        self._db = db
        self._clock = clock
        self._secret = config.secret_key.encode()

    def begin(self, person_id: int, key: str, request: bytes) -> Turn:
        """Start to process the request, or return the result of the earlier one.

        Raises Refused: `idempotency_key_reused` for a different request with this key,
        `idempotency_in_flight` while the earlier request is still being processed.
        """
        mark = hmac.new(self._secret, request, "sha256").hexdigest()
        key_hash = hashlib.sha256(key.encode()).hexdigest()
        try:
            with self._db.begin() as session:
                return self._begin(session, person_id, key_hash, mark)
        except IntegrityError:  # a simultaneous request with this key was faster
            raise _in_flight() from None

    def finish(self, turn: Turn, status: int, reference: str) -> None:
        """Record the result: a repeat of the request gets a response about `reference`."""
        with self._db.begin() as session:
            session.execute(
                update(Repeat)
                .where(Repeat.id == turn.repeat_id)
                .values(status=status, reference=reference[:80])
            )

    def forget(self, turn: Turn) -> None:
        """Delete the key of a refused request: nothing was created, so the key may be used
        again."""
        with self._db.begin() as session:
            session.execute(delete(Repeat).where(Repeat.id == turn.repeat_id))

    def _begin(self, session: Session, person_id: int, key_hash: str, mark: str) -> Turn:
        now = self._clock.now()
        session.execute(delete(Repeat).where(Repeat.created_at <= now - KEPT))
        row = session.scalar(
            select(Repeat)
            .where(Repeat.person_id == person_id, Repeat.key_hash == key_hash)
            .with_for_update()
        )
        if row is None:
            row = Repeat(
                person_id=person_id,
                key_hash=key_hash,
                request_mark=mark,
                token=secrets.token_urlsafe(24),
                created_at=now,
                taken_at=now,
            )
            session.add(row)
            session.flush()
            return Turn(row.id, row.token, None)
        if row.request_mark != mark:
            raise Refused("idempotency_key_reused")
        if row.status is not None:
            return Turn(row.id, row.token, Done(row.status, row.reference))
        if now - row.taken_at < LONGEST_WORK:
            raise _in_flight()
        row.taken_at = now
        return Turn(row.id, row.token, None)


def _in_flight() -> Refused:
    return Refused("idempotency_in_flight")
