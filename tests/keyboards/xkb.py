"""The character of each key in a layout, from the XKB version that the desktops have.

`python -m tests.keyboards.xkb > static/js/desktop-view/layouts.js` writes the tables of the view.
"""

import ctypes
import json
import re
import sys
from collections.abc import Iterator
from functools import cache

from webapp.domain.desktops.keyboards import KEYBOARD_LAYOUTS

#: The XKB number of each KeyboardEvent.code: its evdev number plus 8.
ROWS = {
    49: "Backquote",
    10: "Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal",
    24: "KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight",
    38: "KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote",
    51: "Backslash",
    94: "IntlBackslash",
    52: "KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash",
    97: "IntlRo",
    132: "IntlYen",
}
KEYCODES = {
    code: first + place for first, codes in ROWS.items() for place, code in enumerate(codes.split())
}
LEVELS = 4
DEAD = {
    "dead_grave": "\u0300",
    "dead_acute": "\u0301",
    "dead_circumflex": "\u0302",
    "dead_tilde": "\u0303",
    "dead_macron": "\u0304",
    "dead_breve": "\u0306",
    "dead_abovedot": "\u0307",
    "dead_diaeresis": "\u0308",
    "dead_abovering": "\u030a",
    "dead_doubleacute": "\u030b",
    "dead_caron": "\u030c",
    "dead_cedilla": "\u0327",
    "dead_ogonek": "\u0328",
}
HEADER = """\
// Which character each key gives in the layouts that the desktops know (XKB).
// Made by `python -m tests.keyboards.xkb`; a test compares it with XKB.
//
// `keys`: one line a level (plain, Shift, AltGr, Shift+AltGr), one character a key in the order of
// KEYS, a space where there is none. `dead`: combining character to "key level" of its dead key.
"""


class _Names(ctypes.Structure):
    """struct xkb_rule_names."""

    _fields_ = [(name, ctypes.c_char_p) for name in "rules model layout variant options".split()]


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libxkbcommon.so.0")
    for name in ("xkb_context_new", "xkb_keymap_new_from_names"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


def _keymap(layout: str) -> ctypes.c_void_p:
    found = re.fullmatch(r"(\w+)(?:\(([\w-]+)\))?", layout)
    assert found, layout
    names = _Names(b"evdev", b"pc105", found[1].encode(), (found[2] or "").encode(), b"")
    context = ctypes.c_void_p(_library().xkb_context_new(0))
    keymap = _library().xkb_keymap_new_from_names(context, ctypes.byref(names), 0)
    assert keymap, f"XKB does not know the layout {layout}"
    return ctypes.c_void_p(keymap)


def _symbols(layout: str) -> Iterator[tuple[str, int, int]]:
    """Yield key, level and keysym of every key that types something."""
    keymap, found = _keymap(layout), ctypes.POINTER(ctypes.c_uint32)()
    for code, keycode in KEYCODES.items():
        for level in range(LEVELS):
            count = _library().xkb_keymap_key_get_syms_by_level(
                keymap, keycode, 0, level, ctypes.byref(found)
            )
            if count == 1:
                yield code, level, found[0]


def _name(symbol: int) -> str:
    text = ctypes.create_string_buffer(64)
    _library().xkb_keysym_get_name(symbol, text, len(text))
    return text.value.decode()


def table_of(layout: str) -> dict[str, object]:
    """Return `keys` and `dead` of a layout in the format of layouts.js."""
    rows = [dict.fromkeys(KEYCODES, " ") for _ in range(LEVELS)]
    dead: list[tuple[int, int, str, str]] = []
    for code, level, symbol in _symbols(layout):
        character = _library().xkb_keysym_to_utf32(symbol)
        if character > ord(" ") and chr(character).isprintable():
            rows[level][code] = chr(character)
        elif mark := DEAD.get(_name(symbol)):
            dead.append((level, list(KEYCODES).index(code), mark, f"{code} {level}"))
    first = {mark: where for *_, mark, where in sorted(dead, reverse=True)}
    marks = {mark: first[mark] for *_, mark, _ in sorted(dead)}
    return {"keys": ["".join(row.values()) for row in rows], "dead": marks}


def script() -> str:
    """Return the complete layouts.js."""
    lines = [HEADER, f'export const KEYS = (\n  "{" ".join(KEYCODES)}"\n).split(" ");\n']
    lines.append("export const LAYOUTS = {")
    for layout in KEYBOARD_LAYOUTS:
        lines += [f"  {json.dumps(layout)}: {{", "    keys: ["]
        table = table_of(layout)
        lines += [f"      {_quoted(row)}," for row in table["keys"]]
        lines += ["    ],", f"    dead: {_marks(table['dead'])},", "  },"]
    return "\n".join([*lines, "};", ""])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _marks(dead: dict[str, str]) -> str:
    return json.dumps(dead, ensure_ascii=True)


if __name__ == "__main__":
    sys.stdout.write(script())
