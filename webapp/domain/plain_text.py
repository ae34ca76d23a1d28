"""Text from outside (Proxmox, Ansible, a desktop) as it may be stored, logged and shown.

Control characters can move a terminal's cursor, split a line of a log, or reverse what a reader
sees, and a text may have no end.
"""

import unicodedata

#: Characters of one message that are kept.
LONGEST_MESSAGE = 2000
#: Control and format characters, halves of surrogate pairs, line and paragraph separators.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Stands where a character was left out.
INSTEAD = "\N{REPLACEMENT CHARACTER}"


def plain_line(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """`text` in one line: line breaks and tabs become spaces, other control characters go."""
    return _clean(text[:longest], keep="")


def plain_text(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """The same with its line breaks."""
    return _clean(text[:longest].replace("\r\n", "\n"), keep="\n")


def _clean(text: str, keep: str) -> str:
    return "".join(one if one in keep else _instead_of(one) for one in text)


def _instead_of(one: str) -> str:
    if one in "\t\n\r":
        return " "
    return INSTEAD if unicodedata.category(one) in UNPRINTABLE else one
