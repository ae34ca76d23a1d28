"""Unusual key events in Chromium: which keys the view's script sends to the desktop."""

import functools
import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.web.test_browser import QUIET, chromium_program
from webapp.config import ROOT
from webapp.domain.desktops.keyboards import KEYBOARDS

pytestmark = pytest.mark.browser

SET_UP = """async ([layout, isMac]) => {
  if (isMac) Object.defineProperty(navigator, "platform", { value: "MacIntel" });
  const { Keyboard } = await import("/js/desktop-view/keyboard.js?" + isMac);
  const { SCANCODES } = await import("/js/desktop-view/scancodes.js");
  const names = new Map([...SCANCODES].map(([name, code]) => [code, name]).reverse());
  globalThis.sent = [];
  const keyboard = new Keyboard({
    key: (scancode, isDown) => sent.push((isDown ? "+" : "-") + names.get(scancode)),
    locks: ({ num }) => sent.push(num ? "NumLock on" : "NumLock off"),
    releaseAll: () => {},
    layout: () => layout,
    untypable: (text) => sent.push("clipboard: " + text),
    isOurs: () => false,
    isPaste: () => false,
  });
  keyboard.listenTo(document.body);
}"""
SEND = """(events) => {
  for (const { type, ...event } of events) {
    const options = { bubbles: true, cancelable: true, ...event };
    document.body.dispatchEvent(new KeyboardEvent(type, options));
  }
  return sent.splice(0).filter((one) => !one.startsWith("NumLock"));
}"""


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    """Serves the files of static/, without a log."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    files = functools.partial(QuietFiles, directory=str(ROOT / "static"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def page(site: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=QUIET)
        page = browser.new_page()
        page.goto(f"{site}css/base.css")
        yield page
        browser.close()


def begin(page: Page, layout: str = "us", *, is_mac: bool = False) -> None:
    page.goto(page.url)
    page.evaluate(SET_UP, [layout, is_mac])


def stroke(key: str, code: str = "", **more: object) -> list[dict[str, Any]]:
    event = {"key": key, "code": code, **more}
    return [{"type": "keydown", **event}, {"type": "keyup", **event}]


def sent(page: Page, *events: dict[str, Any]) -> list[str]:
    told: list[str] = page.evaluate(SEND, list(events))
    return told


def test_characters_without_the_place_of_a_key_are_typed_by_the_layout(page: Page) -> None:
    begin(page, "de")
    assert sent(page, *stroke("y")) == ["+KeyZ", "-KeyZ"]
    assert sent(page, *stroke("@")) == ["+AltRight", "+KeyQ", "-KeyQ", "-AltRight"]
    assert sent(page, *stroke("é")) == ["+Equal", "-Equal", "+KeyE", "-KeyE"]
    assert sent(page, *stroke("漢")) == ["clipboard: 漢"]


def test_named_keys_without_a_place_are_sent(page: Page) -> None:
    begin(page)
    assert sent(page, *stroke("Enter")) == ["+Enter", "-Enter"]
    assert sent(page, *stroke(" ")) == ["+Space", "-Space"]
    assert sent(page, *stroke("ArrowLeft")) == ["+ArrowLeft", "-ArrowLeft"]
    assert sent(page, *stroke("Unidentified")) == []


def test_a_held_shift_without_a_place_stays_held(page: Page) -> None:
    begin(page)
    down, up = stroke("Shift")
    assert sent(page, down, *stroke("A"), *stroke("ArrowUp"), up) == [
        "+ShiftLeft", "+KeyA", "-KeyA", "+ArrowUp", "-ArrowUp", "-ShiftLeft",
    ]  # fmt: skip


def test_a_capital_without_shift_is_a_capital(page: Page) -> None:
    begin(page)
    assert sent(page, *stroke("A", "KeyA")) == ["+ShiftLeft", "+KeyA", "-KeyA", "-ShiftLeft"]
    assert sent(page, *stroke("a", "KeyA")) == ["+KeyA", "-KeyA"]
    assert sent(page, *stroke("A", "KeyA", modifierCapsLock=True)) == ["+KeyA", "-KeyA"]
    assert sent(page, *stroke("A", "KeyA", shiftKey=True)) == ["+KeyA", "-KeyA"]
    assert sent(page, *stroke("A", "KeyA", ctrlKey=True)) == ["+KeyA", "-KeyA"]


@pytest.mark.parametrize("is_mac", [True, False])
def test_the_number_pad_gives_what_the_browser_says_it_gave(page: Page, is_mac: bool) -> None:
    """Num Lock is reported as off: a Mac has none, and other systems do not always report it."""
    begin(page, is_mac=is_mac)
    sent(page)
    locks = page.evaluate(
        """() => {
          const key = (key, code) => document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key, code, bubbles: true }));
          key("a", "KeyA"); key("7", "Numpad7"); key("8", "Numpad8");
          key("Home", "Numpad7"); key(".", "NumpadDecimal");
          return sent.splice(0);
        }"""
    )
    state, seen = None, []
    for one in locks:
        if one.startswith("NumLock"):
            state = one
        elif "Numpad" in one:
            seen.append((one, state))
    assert seen == [
        ("+Numpad7", "NumLock on"),
        ("+Numpad8", "NumLock on"),
        ("+Numpad7", "NumLock off"),
        ("+NumpadDecimal", "NumLock on"),
    ]


GUESSES = {
    "fr-CA": "ca", "fr-FR": "fr", "fr-CH": "ch(fr)", "de-CH": "ch", "de-AT": "de", "pt-BR": "br",
    "pt-PT": "pt", "es-419": "latam", "es-MX": "latam", "es-ES": "es", "da": "dk", "nb-NO": "no",
    "sv-FI": "se", "fi": "fi", "cs-CZ": "cz", "tr-TR": "tr", "hu": "hu", "nl-BE": "be",
    "en-GB": "gb", "en-CA": "us", "ja": "jp", "ru-RU": "ru", "xx": "us",
}  # fmt: skip


@pytest.mark.parametrize("language", GUESSES)
def test_the_language_tells_the_keyboard(page: Page, language: str) -> None:
    begin(page)
    guess = """async (language) => {
      Object.defineProperty(navigator, "languages", { value: [language] });
      Object.defineProperty(navigator, "keyboard", { value: undefined });
      return (await import("/js/desktop-view/layout-guess.js")).guessLayout("us");
    }"""
    assert page.evaluate(guess, language) == GUESSES[language]


def test_every_layout_can_type_ascii_or_says_so(page: Page) -> None:
    """A character without a key in the layout is sent by clipboard; letters and digits are not."""
    begin(page)
    untypable = """async (layout) => {
      const { strokesFor } = await import("/js/desktop-view/typing.js");
      const text = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
      return [...text].filter((_, place) => strokesFor(text, layout)[place] === null).join("");
    }"""
    lacks = {layout: page.evaluate(untypable, layout) for layout in KEYBOARDS}
    assert {layout for layout, missing in lacks.items() if missing} == {"ru"}
