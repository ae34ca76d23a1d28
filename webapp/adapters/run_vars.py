"""Variables of an Ansible run, written so that no template engine evaluates them.

Ansible treats every string of an extra-vars file as a Jinja template. Values come from people, the
database, Proxmox and desktops, so each string carries the mark that makes it plain data
(`__ansible_unsafe`; ansible-core 2.19 calls that "not trusted as template").
"""

from collections.abc import Mapping
from typing import Any

from webapp.domain.errors import OutsideFailed

MARK = "__ansible_unsafe"


def as_data(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the variables for a JSON file of extra vars, with every string marked as data.

    Raises OutsideFailed for a value that JSON cannot hold: Ansible would read the file as YAML
    instead, in which the mark has no effect.
    """
    return {name: _mark(name, value) for name, value in variables.items()}


def _mark(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str) and _is_text(value):
        return {MARK: value}
    if isinstance(value, list):
        return [_mark(name, one) for one in value]
    raise OutsideFailed(f"The variable {name} of an Ansible run is not usable.", retry=False)


def _is_text(value: str) -> bool:
    """Whether UTF-8 can encode the text: no lone surrogate, no NUL."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
