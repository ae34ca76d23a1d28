"""The picture is correct in every size: compares the canvas with the framebuffer in the desktop."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from bench.picture import canvas_of, keep, settled
from bench.viewer import Viewer, wait_true
from tests.browser_desktop.conftest import Desktop, reopen
from tests.e2e.site import Site

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.view]

TERMINAL = "xfce4-terminal --disable-server --geometry 90x25+100+100"


def check_picture(page: Page, desktop: Desktop, artifacts: Path, name: str) -> None:
    """Fails unless every tile is correct, and then keeps both pictures."""
    wrong = settled(page, desktop.inside).wrong
    if wrong:
        keep(canvas_of(page), artifacts / f"{name}-seen.png")
        keep(desktop.inside.framebuffer(), artifacts / f"{name}-true.png")
    assert wrong == [], f"{name}: column, row, dB of each tile that is not right"


def size_of(page: Page) -> tuple[int, int]:
    width, height = page.evaluate("[desktopView.canvas.width, desktopView.canvas.height]")
    return width, height


def test_after_drawing_scrolling_and_moving_windows(
    view: Page, desktop: Desktop, artifacts: Path
) -> None:
    check_picture(view, desktop, artifacts, "start")
    desktop.inside.start(f"{TERMINAL} -x sh -c 'ls -laR /usr/share/doc | head -5000; cat'")
    view.wait_for_timeout(3000)
    check_picture(view, desktop, artifacts, "scrolled")
    view.mouse.move(400, 112)
    view.mouse.down()
    for step in range(60):
        view.mouse.move(400 + 7 * step, 112 + 5 * (step % 40))
        view.wait_for_timeout(30)
    view.mouse.up()
    view.mouse.move(5, 400)
    check_picture(view, desktop, artifacts, "moved")
    view.screenshot(path=artifacts / "desktop-in-browser.png")
    desktop.inside.run("pkill xfce4-terminal; true")
    check_picture(view, desktop, artifacts, "closed")


def test_the_desktop_follows_the_window_and_is_drawn_right(
    view: Page, desktop: Desktop, artifacts: Path
) -> None:
    for width, height in ((1000, 700), (1601, 901), (2560, 1440), (1280, 800)):
        view.set_viewport_size({"width": width, "height": height})
        began = time.monotonic()
        even = width & ~1
        wait_true(
            view,
            f"desktopView.canvas.width === {even} && desktopView.canvas.height === {height}",
            5,
        )
        assert time.monotonic() - began < 3
        check_picture(view, desktop, artifacts, "resized")


def test_the_picture_is_right_after_a_reconnect(
    view: Page, desktop: Desktop, artifacts: Path
) -> None:
    desktop.inside.start(TERMINAL)
    view.wait_for_timeout(1500)
    reopen(view)
    check_picture(view, desktop, artifacts, "reconnected")
    desktop.inside.run("pkill xfce4-terminal; true")


@pytest.mark.parametrize(
    ("width", "height", "density", "expected"),
    [
        (1280, 800, 2, (2560, 1600)),
        (1001, 700, 1.5, (1502, 1050)),
        (360, 640, 1, (800, 1422)),
        (360, 640, 3, (1080, 1920)),
    ],
)
def test_it_is_sharp_on_dense_screens_and_never_too_small(
    chromium: Browser,
    site: Site,
    desktop: Desktop,
    width: int,
    height: int,
    density: float,
    expected: tuple[int, int],
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=density
    )
    context.add_init_script("localStorage.setItem('winux.clipboard', 'off')")
    person = Viewer(context, site.url)
    person.sign_in("alice", site.passwords["alice"])
    page = person.look_at(desktop.id)
    assert size_of(page) == expected
    box = page.locator("[data-view-canvas]").bounding_box()
    assert box
    # at most half a screen pixel is cut off
    assert box["width"] <= width + 0.5
    assert box["height"] <= height + 0.5
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width >= 1000:  # one pixel of the desktop is one pixel of the screen
        assert box["width"] == pytest.approx(expected[0] / density, abs=0.4)
    context.close()


def test_pixel_for_pixel_keeps_the_size(view: Page) -> None:
    before = size_of(view)
    view.evaluate("desktopView.bar.open(true)")
    view.get_by_text("View", exact=True).click()
    view.get_by_label("Stays as it is, pixel for pixel").check()
    view.set_viewport_size({"width": 700, "height": 500})
    view.wait_for_timeout(1000)
    assert size_of(view) == before
    box = view.locator("[data-view-canvas]").bounding_box()
    assert box
    assert (box["width"], box["height"]) == before


def test_full_screen_and_back(view: Page) -> None:
    view.evaluate("desktopView.bar.open(true)")
    view.locator("[data-view-fullscreen]").click()
    wait_true(view, "document.fullscreenElement !== null", 5)
    view.evaluate("document.exitFullscreen()")
    wait_true(view, "document.fullscreenElement === null", 5)


def test_a_window_of_its_own_takes_the_desktop_along(view: Page, context: BrowserContext) -> None:
    view.evaluate("desktopView.bar.open(true)")
    view.get_by_text("View", exact=True).click()
    with context.expect_page() as opened:
        view.locator("[data-view-popout]").click()
    wait_true(opened.value, "document.querySelector('[data-view-curtain]')?.hidden === true")
    assert "in a separate window" in view.locator("[data-curtain-title]").inner_text()
    view.get_by_role("button", name="Reconnect now").click()
    wait_true(view, "document.querySelector('[data-view-curtain]').hidden")
    wait_true(opened.value, "!document.querySelector('[data-view-curtain]').hidden")
    assert "another window" in opened.value.locator("[data-curtain-title]").inner_text()
