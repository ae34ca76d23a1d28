"""What a running desktop may answer: one strict schema, as whoever is root in it writes it."""

from typing import Annotated, TypeVar

import msgspec

from webapp.domain.desktops.guest_trouble import NONSENSE
from webapp.domain.errors import OutsideFailed

#: Bytes of an answer; an honest one has 40.
LARGEST = 4096
#: How deep its brackets may go.
DEEPEST = 4
#: No desktop runs longer than this, in seconds (ten years).
LONGEST_SECONDS = 316_000_000

T = TypeVar("T", bound="Answer")
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST_SECONDS)]


class Answer(msgspec.Struct):
    """Every answer: a refusal, or nothing of note."""

    error: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


class SinceInput(Answer, kw_only=True):
    """The answer to `since_input`; null without a session."""

    seconds: Seconds | msgspec.UnsetType | None = msgspec.UNSET


class Reach(Answer, kw_only=True):
    """The answer to `reach`."""

    reached: Annotated[list[Port], msgspec.Meta(max_length=8)] | msgspec.UnsetType = msgspec.UNSET


def parse_answer(data: bytes) -> Answer:
    """An answer that says no more than that it was done. Raises OutsideFailed for anything else."""
    return _decode(data, _ANSWER)


def parse_since_input(data: bytes) -> float | None:
    """Seconds since the last input. Raises OutsideFailed for anything else."""
    answer = _decode(data, _SINCE_INPUT)
    if isinstance(answer.seconds, msgspec.UnsetType):
        raise nonsense("it does not say what it was asked")
    return answer.seconds


def parse_reach(data: bytes) -> list[int]:
    """Ports that it could open. Raises OutsideFailed for anything else."""
    answer = _decode(data, _REACH)
    if isinstance(answer.reached, msgspec.UnsetType):
        raise nonsense("it does not say what it was asked")
    return answer.reached


def nonsense(why: str) -> OutsideFailed:
    """The failure of a desktop whose answer is not one that winux-guest gives."""
    return OutsideFailed(
        f"The desktop gave an answer that cannot be believed: {why}.", retry=False, reason=NONSENSE
    )


_ANSWER = msgspec.json.Decoder(Answer)
_REACH = msgspec.json.Decoder(Reach)
_SINCE_INPUT = msgspec.json.Decoder(SinceInput)


def _decode(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    if len(data) > LARGEST or _depth(data) > DEEPEST:
        raise nonsense("it is too long or nested too deep")
    try:
        answer = decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise nonsense("its form is wrong") from error
    if answer.error is not None:
        raise OutsideFailed(f"The desktop did not do it: {answer.error[:200]}", retry=True)
    return answer


def _depth(data: bytes) -> int:
    depth = deepest = 0
    for byte in data:
        depth += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, depth)
    return deepest
