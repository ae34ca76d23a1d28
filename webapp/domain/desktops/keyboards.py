"""Keyboard layouts: the XKB name of each, its name for people, and its RDP identifier.

RDP's identifier is the input locale identifier of the client's core data ([MS-RDPBCGR]
2.2.1.3.2). XRDP maps it to the XKB layout with /etc/xrdp/xrdp_keyboard.ini; templates install the
same entries (role template_rootfs), and a test compares the two.
"""

from typing import NamedTuple


class Keyboard(NamedTuple):
    """A layout's name for people, and its RDP input locale identifier."""

    title: str
    input_locale: int


#: By XKB name, with the variant in brackets, in the order of the list on the pages.
KEYBOARDS = {
    "us": Keyboard("English (US)", 0x0409),
    "us(intl)": Keyboard("English (US, international)", 0x00020409),
    "us(dvorak)": Keyboard("English (US, Dvorak)", 0x00010409),
    "us(dvp)": Keyboard("English (US, Dvorak for programmers)", 0x19360409),
    "gb": Keyboard("English (UK)", 0x0809),
    "fr": Keyboard("French", 0x040C),
    "ca": Keyboard("French (Canada)", 0x0C0C),
    "be": Keyboard("Belgian", 0x0813),
    "ch": Keyboard("Swiss", 0x0807),
    "ch(fr)": Keyboard("Swiss (French)", 0x100C),
    "de": Keyboard("German", 0x0407),
    "pl": Keyboard("Polish", 0x0415),
    "es": Keyboard("Spanish", 0x040A),
    "latam": Keyboard("Spanish (Latin America)", 0x080A),
    "pt": Keyboard("Portuguese", 0x0816),
    "br": Keyboard("Portuguese (Brazil)", 0x0416),
    "it": Keyboard("Italian", 0x0410),
    "dk": Keyboard("Danish", 0x0406),
    "fi": Keyboard("Finnish", 0x040B),
    "is": Keyboard("Icelandic", 0x040F),
    "no": Keyboard("Norwegian", 0x0414),
    "se": Keyboard("Swedish", 0x041D),
    "ee": Keyboard("Estonian", 0x0425),
    "lv": Keyboard("Latvian", 0x0426),
    "lt": Keyboard("Lithuanian", 0x0427),
    "cz": Keyboard("Czech", 0x0405),
    "sk": Keyboard("Slovak", 0x041B),
    "hu": Keyboard("Hungarian", 0x040E),
    "ro": Keyboard("Romanian", 0x0418),
    "hr": Keyboard("Croatian", 0x041A),
    "si": Keyboard("Slovenian", 0x0424),
    "tr": Keyboard("Turkish", 0x041F),
    "ru": Keyboard("Russian", 0x0419),
    "jp": Keyboard("Japanese", 0x0411),
    "kr": Keyboard("Korean", 0x0412),
}
KEYBOARD_LAYOUTS = {name: keyboard.title for name, keyboard in KEYBOARDS.items()}
#: The length of the database column.
LONGEST_NAME = 16


def input_locale(layout: str) -> int:
    """Returns a layout's identifier; that of `us` for a layout that RDP does not define."""
    return KEYBOARDS.get(layout, KEYBOARDS["us"]).input_locale
