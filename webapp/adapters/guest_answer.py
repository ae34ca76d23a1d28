"""The response of a running desktop: a strict schema, because its root user controls it."""

from typing import Annotated, TypeVar

import msgspec

from webapp.domain.desktops.guest_trouble import NONSENSE
from webapp.domain.errors import OutsideFailed

#: The maximum size of a response in bytes; a genuine one has 40.
LARGEST = 4096
#: The maximum nesting depth.
DEEPEST = 4
#: The maximum plausible running time of a desktop, in seconds (ten years).
LONGEST_SECONDS = 316_000_000

T = TypeVar("T", bound="Answer")
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST_SECONDS)]


class Answer(msgspec.Struct):
    """The base of all responses: a refusal, or no content."""

    error: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


class SinceInput(Answer, kw_only=True):
    """The answer to `since_input`; null without a session."""

    seconds: Seconds | msgspec.UnsetType | None = msgspec.UNSET


class Reach(Answer, kw_only=True):
    """The answer to `reach`."""

    reached: Annotated[list[Port], msgspec.Meta(max_length=8)] | msgspec.UnsetType = msgspec.UNSET


def parse_answer(data: bytes) -> Answer:
    """Parses a bare confirmation. Raises OutsideFailed for anything else."""
    return _decode(data, _ANSWER)


def parse_since_input(data: bytes) -> float | None:
    """Returns the seconds since the last input. Raises OutsideFailed for anything else."""
    answer = _decode(data, _SINCE_INPUT)
    if isinstance(answer.seconds, msgspec.UnsetType):
        raise nonsense("it does not say what it was asked")
    return answer.seconds


def parse_reach(data: bytes) -> list[int]:
    """Returns the ports that it could open. Raises OutsideFailed for anything else."""
    answer = _decode(data, _REACH)
    if isinstance(answer.reached, msgspec.UnsetType):
        raise nonsense("it does not say what it was asked")
    return answer.reached


def nonsense(why: str) -> OutsideFailed:
    """Returns the failure of a desktop whose response is not one that winux-guest sends."""
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
