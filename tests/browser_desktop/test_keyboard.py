"""Every special character arrives in a file inside the desktop, in every layout."""

import re

import pytest
from playwright.sync_api import Page

from bench.viewer import wait_true
from tests.browser_desktop.conftest import Desktop, Keys, reopen
from tests.browser_desktop.typed import Typed
from tests.e2e.site import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.view]

#: For each layout a sentence with its special characters: AltGr, dead keys, both, and the ISO key.
SENTENCES = {
    "us": r"""The quick brown fox's "jumps" over: ~!@#$%^&*()_+-=[]{}\|;',./<>?`0123456789""",
    "gb": r"""Pound £ quotes "@ hash #~ pipe \| not ¬ euro € !$%^&*()_+-=[]{};',./<>?`""",
    "fr": r"""Voilà l'été: où çà? ÊËÎÏÔÛ âêîôû äëïöü &é"'(-è_çà)=°+ ~#{[|`\^@]}¤€ $*ù!%µ£§ <>""",
    "de": r"""Zwölf Boxkämpfer über den großen Deich ÄÖÜß @€²³{[]}\~| ^ ` áéàè <>|"§$%&/()=?*'#+""",
    "pl": r"""Zażółć gęślą jaźń ZAŻÓŁĆ GĘŚLĄ JAŹŃ @€ "[]{}\|;':<>?""",
    "es": r"""El pingüino comió ñandú ¿Qué? ¡Ñ! ç ª º \|@#~€ áéíóú ÁÉÍÓÚÜ []{} "·$%&/()=?¿^*""",
    "it": """Perché così è già più giù §°ç£ àèìòù @# €[]{} "$%&/()=?^""",
    "pt": """Ação não pão à é ê í ó ô ú ç Ç ã õ @£§{[]}«»ºª "#$%&/()=?""",
    "be": r"""L'été où ça §è!çà) ê ë ô ~ @#{}[]€ \|^ <>""",
    "ch": r"""Zürich § ° ç è à é ü ö ä £ $ @#¦|¢ [] {} \ ~ ê ñ""",
    "ch(fr)": r"""Genève § ° ç è à é ü ö ä £ $ @#¦|¢ [] {} \ ~ ê ñ""",
    "ca": r"""Québec, où ça? É À Ç ê ë ï ô « » # | @ [ ] { } ~ ^ <>""",
    "br": r"""Ação São não é à ê ü ç Ç /? ;: ~^ '" \| @#$%&*()""",
    "latam": r"""¿Qué? ¡Ñandú! ñ á é í ó ú ü @ \ { } [ ] ~ ^ ` ° |""",
    "dk": r"""Rødgrød med fløde æøå ÆØÅ ½ § @ £ $ { [ ] } | ~ ^ é ü""",
    "no": r"""Blåbærsyltetøy æøå ÆØÅ | § @ £ $ { [ ] } \ ~ ^ é""",
    "se": r"""Räksmörgås åäö ÅÄÖ § ½ @ £ $ { [ ] } \ | ~ ^ é ü""",
    "fi": r"""Hyvää yötä åäö ÅÄÖ § @ £ $ { [ ] } \ | ~ ^ é""",
    "cz": r"""Příliš žluťoučký kůň úpěl ďábelské ódy +ěščřžýáíé= @ # $ & { } [ ]""",
    "tr": r"""İğüşçöı ĞÜŞİÇÖ Istanbul İzmir "é!'^+%&/()=?_ @ # $ { [ ] } \ |""",
    "hu": r"""Árvíztűrő tükörfúrógép ÁRVÍZTŰRŐ @ # & { } [ ] \ |""",
    "us(dvorak)": r"""The quick brown fox's "jumps" over: ~!@#$%^&*()_+-=[]{}""",
    "ru": "Съешь же ещё этих мягких французских булок",
}  # fmt: skip
SCREENSHOOTER = "xfce4-screensho"
"""The first 15 letters of the program's name, because the kernel keeps only these."""
STROKES = """async ([text, layout]) => {
  const beside = document.querySelector("script[type=module]").src;
  return (await import(new URL("typing.js", beside))).strokesFor(text, layout);
}"""


@pytest.mark.parametrize("layout", SENTENCES)
def test_every_character_of_a_layout_arrives(view: Page, desktop: Desktop, layout: str) -> None:
    view.evaluate("(layout) => localStorage.setItem('winux.keyboard', layout)", layout)
    reopen(view)
    keys, sentence = Keys(view), SENTENCES[layout]
    strokes = view.evaluate(STROKES, [sentence, layout])
    assert None not in strokes, "the layout has no key for a character of its sentence"
    with Typed(desktop.inside) as typed:
        for of_character in strokes:
            for stroke in of_character:
                keys.stroke(stroke["code"], shift=stroke["shift"], altgr=stroke["altGr"])
        keys.press("Enter")
        assert typed.wait_for("\n") == f"{sentence}\n"


def test_another_layout_chosen_in_the_bar_is_used_at_once_and_remembered(
    view: Page, desktop: Desktop
) -> None:
    view.keyboard.press("Control+Alt+Home")
    view.get_by_text("Keys", exact=True).click()
    link = "desktopView.connection.link"
    view.evaluate(f"globalThis.before = {link}")
    view.get_by_label("Keyboard layout").select_option("fr")
    wait_true(view, f"{link} && {link} !== before && {link}.received > 10000")
    wait_true(view, "document.querySelector('[data-view-curtain]').hidden")
    keys = Keys(view)
    with Typed(desktop.inside) as typed:
        keys.press("KeyQ")
        keys.press("Enter")
        assert typed.wait_for("\n") == "a\n"
    reopen(view)
    assert view.evaluate("desktopView.layout") == "fr"


def test_text_of_an_input_method_is_typed_and_the_rest_goes_to_the_clipboard(
    view: Page, desktop: Desktop
) -> None:
    with Typed(desktop.inside) as typed:
        view.evaluate("desktopView.textField.open()")
        devtools = view.context.new_cdp_session(view)
        for text in ("に", "にほ", "日本"):
            at = {"selectionStart": len(text), "selectionEnd": len(text)}
            devtools.send("Input.imeSetComposition", {"text": text, **at})
        devtools.send("Input.insertText", {"text": "日本"})
        view.keyboard.insert_text("Mobile, words!")
        view.keyboard.press("Backspace")
        view.keyboard.press("Enter")
        assert typed.wait_for("\n") == "Mobile, words\n"
    assert desktop.inside.clipboard() == "日本"
    assert "日本" in view.locator("[data-note-text]").inner_text()


def test_a_lost_focus_lets_go_of_every_key(view: Page, desktop: Desktop, keys: Keys) -> None:
    with Typed(desktop.inside) as typed:
        view.keyboard.down("Shift")
        view.evaluate("document.activeElement.blur()")
        view.focus("[data-view-stage]")
        keys.press("KeyA")
        keys.press("Enter")
        view.keyboard.up("Shift")
        assert typed.wait_for("\n") == "a\n"


@pytest.mark.parametrize(
    ("chord", "keysyms"),
    [
        ("escape", {"Escape"}),
        ("win", {"Super_L"}),
        # the desktop itself handles Delete and Print, which is why they are sent
        ("ctrl-alt-del", {"Control_L", "Alt_L"}),
    ],
)
def test_the_special_keys_of_the_bar_are_sent(
    view: Page, desktop: Desktop, chord: str, keysyms: set[str]
) -> None:
    desktop.inside.start("sh -c 'xev -geometry 400x300+300+200 -event keyboard > /tmp/xev'")
    view.wait_for_timeout(1500)
    view.mouse.click(500, 350)
    press(view, chord)
    view.wait_for_timeout(1000)
    seen = desktop.inside.run("pkill xev; cat /tmp/xev").decode()
    if chord == "ctrl-alt-del":  # it may appear late, and would cover the windows of later tests
        wait_until(lambda: asks_to_log_out(desktop), "the desktop asks whether to log out")
    press(view, "escape")
    wait_until(lambda: not asks_to_log_out(desktop), "the question is gone")
    assert keysyms <= set(re.findall(r"keysym 0x[0-9a-f]+, (\w+)", seen))


def asks_to_log_out(desktop: Desktop) -> bool:
    windows = desktop.inside.run("xwininfo -root -tree").decode(errors="replace")
    return bool(re.search(r'"xfce4-session": .*\s\d{3}x\d{3}\+', windows))


def test_the_print_key_of_the_bar_takes_a_picture(view: Page, desktop: Desktop) -> None:
    press(view, "print")
    asked = f"for _ in $(seq 50); do pgrep {SCREENSHOOTER} && break; sleep 0.1; done"
    assert desktop.inside.run(f"{asked}; pkill {SCREENSHOOTER}; true") != b""


def press(view: Page, chord: str) -> None:
    view.evaluate("desktopView.bar.open(true)")
    view.get_by_text("Keys", exact=True).click()
    view.locator(f"[data-chord={chord}]").click()
