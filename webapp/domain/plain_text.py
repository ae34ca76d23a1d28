"""External text (Proxmox, Ansible, a desktop) in a form that is safe to store, log and show.

Control characters can move a terminal's cursor, split a log line, or reverse the displayed text,
and a text can be endless.
"""

import unicodedata

#: The maximum number of characters kept of one message.
LONGEST_MESSAGE = 2000
#: Control and format characters, surrogates, line and paragraph separators.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Replaces each removed character.
INSTEAD = "\N{REPLACEMENT CHARACTER}"


def plain_line(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """Returns `text` as one line: line breaks and tabs become spaces, control characters go."""
    return _clean(text[:longest], keep="")


def plain_text(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """Does the same but keeps line breaks."""
    return _clean(text[:longest].replace("\r\n", "\n"), keep="\n")


def _clean(text: str, keep: str) -> str:
    return "".join(one if one in keep else _instead_of(one) for one in text)


def _instead_of(one: str) -> str:
    if one in "\t\n\r":
        return " "
    return INSTEAD if unicodedata.category(one) in UNPRINTABLE else one
