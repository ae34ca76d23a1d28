"""Keyboard layouts as RDP names them: the input locale identifiers that xrdp maps to XKB layouts.

[MS-RDPBCGR] 2.2.1.3.2 (keyboardLayout of the client's core data); /etc/xrdp/xrdp_keyboard.ini.
"""

#: XKB name (the keys of limits.KEYBOARD_LAYOUTS) to input locale identifier.
INPUT_LOCALES = {
    "us": 0x0409,
    "gb": 0x0809,
    "fr": 0x040C,
    "de": 0x0407,
    "pl": 0x0415,
    "es": 0x040A,
    "it": 0x0410,
    "pt": 0x0816,
    "be": 0x0813,
    "ch": 0x0807,
}


def input_locale(layout: str) -> int:
    """The identifier of a layout; that of `us` for one that RDP has no name for."""
    return INPUT_LOCALES.get(layout, INPUT_LOCALES["us"])
