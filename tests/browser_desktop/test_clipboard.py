"""Text in both directions, only after the person has agreed."""

import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser_desktop.conftest import Desktop, Keys, reopen
from tests.browser_desktop.typed import Typed

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.view]

HERE = "kopiert: „zażółć” € 漢字\nzweite Zeile"
READ = "navigator.clipboard.readText()"


def copy_here(page: Page, text: str) -> None:
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text)


def wait_here(page: Page, text: str, timeout_s: float = 5) -> str:
    give_up = time.monotonic() + timeout_s
    while (found := str(page.evaluate(READ))) != text and time.monotonic() < give_up:
        page.wait_for_timeout(100)
    return found


def wait_there(desktop: Desktop, text: str, timeout_s: float = 5) -> str:
    give_up = time.monotonic() + timeout_s
    while (found := desktop.inside.clipboard()) != text and time.monotonic() < give_up:
        time.sleep(0.1)
    return found


@pytest.fixture
def asking(view: Page) -> Page:
    """The desktop's page before the person has answered the clipboard question."""
    view.evaluate("localStorage.setItem('winux.clipboard', '')")
    view.evaluate("localStorage.removeItem('winux.clipboard')")
    view.add_init_script("localStorage.removeItem('winux.clipboard')")
    reopen(view)
    return view


def share(page: Page) -> None:
    page.get_by_role("button", name="Share", exact=True).click()


def test_nothing_is_shared_before_the_person_says_so(asking: Page, desktop: Desktop) -> None:
    copy_here(asking, "a secret of this computer")
    desktop.inside.copy("a secret of the desktop")
    asking.wait_for_timeout(1500)
    assert "Share the clipboard" in asking.locator("[data-note-text]").inner_text()
    assert asking.evaluate(READ) == "a secret of this computer"
    assert desktop.inside.clipboard() == "a secret of the desktop"
    asking.get_by_role("button", name="Not now").click()
    asking.evaluate("window.dispatchEvent(new Event('focus'))")
    asking.wait_for_timeout(1000)
    assert desktop.inside.clipboard() == "a secret of the desktop"


def test_text_goes_both_ways_after_share(asking: Page, desktop: Desktop) -> None:
    copy_here(asking, HERE)
    share(asking)
    assert wait_there(desktop, HERE) == HERE
    desktop.inside.copy("aus dem Desktop: äöü 漢字")
    assert wait_here(asking, "aus dem Desktop: äöü 漢字") == "aus dem Desktop: äöü 漢字"
    copy_here(asking, "later")
    asking.evaluate("window.dispatchEvent(new Event('focus'))")
    assert wait_there(desktop, "later") == "later"


def test_the_bar_stops_sharing(asking: Page, desktop: Desktop) -> None:
    share(asking)
    button = asking.locator("[data-view-clipboard]")
    assert button.get_attribute("aria-pressed") == "true"
    asking.evaluate("desktopView.bar.open(true)")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    copy_here(asking, "not for the desktop")
    asking.evaluate("window.dispatchEvent(new Event('focus'))")
    desktop.inside.copy("not for here")
    asking.wait_for_timeout(1000)
    assert asking.evaluate(READ) == "not for the desktop"
    assert desktop.inside.clipboard() == "not for here"


def test_a_paste_key_works_without_the_browsers_permission(asking: Page, desktop: Desktop) -> None:
    share(asking)
    copy_here(asking, "pasted „text”")
    asking.context.clear_permissions()
    with Typed(desktop.inside) as typed:
        Keys(asking)
        asking.keyboard.press("Control+Shift+KeyV")
        asking.wait_for_timeout(1000)
        asking.keyboard.press("Enter")
        assert typed.wait_for("\n") == "pasted „text”\n"
        asking.keyboard.press("KeyX")
        asking.keyboard.press("Enter")
        assert typed.wait_for("x\n") == "pasted „text”\nx\n"


EMOJI = "Simple Test.😥 hi 👍 𝔘 👩\u200d🚀 end"


def test_emoji_go_both_ways(asking: Page, desktop: Desktop) -> None:
    copy_here(asking, EMOJI)
    share(asking)
    assert wait_there(desktop, EMOJI) == EMOJI
    desktop.inside.copy(f"out {EMOJI}")
    assert wait_here(asking, f"out {EMOJI}") == f"out {EMOJI}"


@pytest.mark.parametrize("text", ["ab" * 20_000, "żółć 漢字 😥\n" * 20_000], ids=["ascii", "any"])
def test_a_long_text_goes_both_ways_unchanged(asking: Page, desktop: Desktop, text: str) -> None:
    copy_here(asking, text)
    share(asking)
    assert wait_there(desktop, text, 20) == text
    desktop.inside.copy(f"out {text}")
    assert wait_here(asking, f"out {text}", 20) == f"out {text}"


def test_a_text_that_is_too_long_is_said_so(asking: Page, desktop: Desktop) -> None:
    text = "0123456789abcde\n" * 60_000
    copy_here(asking, text)
    share(asking)
    assert wait_there(desktop, text, 20) == text
    copy_here(asking, text * 2)
    asking.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(asking.locator("[data-note-text]")).to_contain_text("too long")
    assert desktop.inside.clipboard() == text
