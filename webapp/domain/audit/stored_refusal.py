"""A refusal's code and parameters as a JSON object, as an audit entry stores them."""

from collections.abc import Mapping
from datetime import timedelta

from webapp.domain.errors import CodedError, Parameter

#: The maximum number of characters kept of a parameter, and of members of a list.
LONGEST_TEXT, LONGEST_LIST = 200, 20


def to_stored(error: CodedError) -> dict[str, object]:
    """Returns the JSON object of a refusal. Durations are stored as `{"seconds": 1.5}`."""
    values = {name: _to_json(value) for name, value in error.parameters.items()}
    return {"code": error.code, "parameters": values}


def from_stored(stored: Mapping[str, object]) -> tuple[str, dict[str, Parameter]]:
    """Returns code and parameters; leaves out what another release may have written."""
    values = stored.get("parameters")
    found = values if isinstance(values, dict) else {}
    read = {str(name): _from_json(value) for name, value in found.items()}
    known = {name: value for name, value in read.items() if value is not None}
    return str(stored.get("code", "")), known


def _to_json(value: Parameter) -> object:
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, tuple):
        return [one[:LONGEST_TEXT] for one in value[:LONGEST_LIST]]
    return value[:LONGEST_TEXT] if isinstance(value, str) else value


def _from_json(value: object) -> Parameter | None:
    if isinstance(value, dict):
        seconds = value.get("seconds")
        return timedelta(seconds=seconds) if isinstance(seconds, int | float) else None
    if isinstance(value, list):
        return tuple(str(one) for one in value)
    return value if isinstance(value, str | int) else None
