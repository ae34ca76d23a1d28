"""The portal's layouts exist in XKB and in the desktops."""

import re

from tests.keyboards import xkb
from webapp.config import ROOT
from webapp.domain.desktops.keyboards import KEYBOARDS, LONGEST_NAME

XRDP = ROOT / "playbooks/roles/template_rootfs/files/rootfs/etc/xrdp/xrdp_keyboard.ini"
#: Japanese keyboards have several identifiers.
ALIAS = re.compile("0xe0[0-9a-f]{2}0411")


def test_the_view_has_the_tables_of_xkb() -> None:
    script = ROOT / "static/js/desktop-view/layouts.js"
    assert script.read_text() == xkb.script(), "python -m tests.keyboards.xkb > " + str(script)


def test_a_desktop_knows_every_layout_by_the_name_that_rdp_has_for_it() -> None:
    text = XRDP.read_text()
    identifiers = {
        name: number
        for name, number in re.findall(r"^(rdp_layout_\w+)=(0x\w+)$", text, re.MULTILINE)
        if not ALIAS.fullmatch(number)
    }
    layouts = re.findall(r"^(rdp_layout_\w+)=([a-z]\S*)$", text, re.MULTILINE)
    known = {layout: int(identifiers[name], 16) for name, layout in layouts}
    assert known == {name: keyboard.input_locale for name, keyboard in KEYBOARDS.items()}


def test_no_two_layouts_share_an_identifier_and_every_name_fits() -> None:
    assert len({keyboard.input_locale for keyboard in KEYBOARDS.values()}) == len(KEYBOARDS)
    assert max(map(len, KEYBOARDS)) <= LONGEST_NAME
