"""The bar: by pointer, by keyboard alone, for screen readers, on small and large screens."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.view]


def is_open(page: Page) -> bool:
    return bool(page.evaluate("desktopView.bar.isOpen"))


def test_it_comes_at_the_top_edge_and_goes_again(view: Page) -> None:
    view.evaluate("desktopView.bar.close()")
    view.mouse.move(600, 300)
    assert not is_open(view)
    view.mouse.move(600, 1)
    assert is_open(view)
    view.mouse.move(600, 400)
    view.wait_for_timeout(2_000)
    assert not is_open(view)


def test_keys_alone_reach_everything_and_lead_back(view: Page) -> None:
    view.evaluate("desktopView.bar.close()")
    view.focus("[data-view-stage]")
    view.keyboard.press("Control+Alt+Home")
    assert is_open(view)
    seen = []
    for _ in range(20):
        seen.append(view.evaluate("document.activeElement.innerText?.trim()"))
        view.keyboard.press("Tab")
        if not view.evaluate("document.activeElement.closest('[data-view-bar]') !== null"):
            break
    named = " ".join(filter(None, seen))
    for name in ("Extend", "Clipboard", "Keys", "View", "Full screen", "Disconnect", "Stop"):
        assert name in named
    view.focus("[data-view-disconnect]")
    view.keyboard.press("Escape")
    assert not is_open(view)
    expect(view.locator("[data-view-stage]")).to_be_focused()


def test_disconnect_and_back(view: Page) -> None:
    view.evaluate("desktopView.bar.open(true)")
    view.locator("[data-view-disconnect]").click()
    expect(view.locator("[data-curtain-title]")).to_have_text("Disconnected")
    retry = view.get_by_role("button", name="Reconnect now")
    expect(retry).to_be_focused()
    view.keyboard.press("Enter")
    expect(view.locator("[data-view-curtain]")).to_be_hidden(timeout=15_000)


def test_the_quality_of_the_way_is_shown(view: Page) -> None:
    expect(view.locator("[data-view-quality]")).to_contain_text("ms ·", timeout=10_000)
    assert "–" not in view.locator("[data-view-quality]").inner_text()


@pytest.mark.parametrize("width", [360, 768, 1280, 2560])
def test_it_fits_every_width(view: Page, artifacts: Path, width: int) -> None:
    view.set_viewport_size({"width": width, "height": 720})
    view.evaluate("desktopView.bar.open(true)")
    for name in ("Keys", "View"):
        view.locator("summary").filter(has_text=name).click()
        opened = view.locator(".bar-menu[open] .bar-sheet")
        expect(opened).to_have_count(1)
        sheet = opened.bounding_box()
        assert sheet
        assert sheet["x"] >= 0
        assert sheet["x"] + sheet["width"] <= width
        assert sheet["y"] + sheet["height"] <= 720
    view.screenshot(path=artifacts / f"bar-{width}.png")
    for button in view.locator("[data-view-bar] button:visible, [data-view-bar] summary").all():
        box = button.bounding_box()
        assert box
        assert 0 <= box["x"] <= width - box["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(view: Page, scheme: str) -> None:
    view.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
    view.evaluate("desktopView.bar.open(true)")
    for name in ("Keys", "View"):
        view.locator("summary").filter(has_text=name).click()
        assert Axe().run(view).response["violations"] == []
    view.evaluate("desktopView.find('stop-dialog').showModal()")
    assert Axe().run(view).response["violations"] == []
    view.evaluate("desktopView.find('stop-dialog').close('keep')")
    view.evaluate("desktopView.find('disconnect').click()")
    expect(view.locator("[data-curtain-title]")).to_have_text("Disconnected")
    assert Axe().run(view).response["violations"] == []
