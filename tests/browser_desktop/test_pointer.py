"""Mouse and touch: the input that the desktop's own programs receive."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser_desktop.conftest import Desktop

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.view]

LEFT, MIDDLE, RIGHT, UP, DOWN, SCROLL_RIGHT = "1", "2", "3", "4", "5", "7"
SPOT = (600, 400)
#: Maximum seconds for the first button on a loaded machine.
PATIENCE_S = 10


class Buttons:
    """A window over the middle of the desktop that records the buttons it receives."""

    def __init__(self, desktop: Desktop, page: Page) -> None:
        self._inside, self._page, self._told = desktop.inside, page, 0
        self._inside.run("pkill xev; rm -f /tmp/xev; true")
        self._inside.start("sh -c 'xev -geometry 700x450+250+150 -event button > /tmp/xev'")
        shown = "xwininfo -name 'Event Tester' | grep -q IsViewable"
        self._inside.run(f"for _ in $(seq 100); do {shown} && exit; sleep 0.1; done; exit 1")
        page.wait_for_timeout(300)  # the window manager places the window

    def new(self) -> list[str]:
        """Return the buttons pressed since the last call; wheels are buttons 4 to 7 in X.

        Waits for the first one, then until none arrives for half a second.
        """
        give_up = time.monotonic() + PATIENCE_S
        before, told = None, self._all()
        while told != before or (len(told) == self._told and time.monotonic() < give_up):
            self._page.wait_for_timeout(500)
            before, told = told, self._all()
        since, self._told = told[self._told :], len(told)
        return since

    def _all(self) -> list[str]:
        log = self._inside.run("cat /tmp/xev").decode()
        return re.findall(r"ButtonPress event.*?button (\d+)", log, re.DOTALL)


@pytest.fixture
def buttons(desktop: Desktop, view: Page) -> Iterator[Buttons]:
    yield Buttons(desktop, view)
    desktop.inside.run("pkill xev; true")


@pytest.mark.parametrize(("button", "told"), [("left", LEFT), ("middle", MIDDLE), ("right", RIGHT)])
def test_mouse_buttons(view: Page, buttons: Buttons, button: str, told: str) -> None:
    view.mouse.click(*SPOT, button=button)  # type: ignore[arg-type]  # one of the three
    assert buttons.new() == [told]


def test_a_notch_of_the_wheel_is_one_click_of_it(view: Page, buttons: Buttons) -> None:
    view.mouse.move(*SPOT)
    for x, y in ((0, 120), (0, -120), (0, 240), (120, 0)):
        view.mouse.wheel(x, y)
    assert buttons.new() == [DOWN, UP, DOWN, DOWN, SCROLL_RIGHT]


def test_a_touchpad_scrolls_as_far_as_the_fingers_go(view: Page, buttons: Buttons) -> None:
    view.mouse.move(*SPOT)
    for _ in range(10):
        view.mouse.wheel(0, 10)
    assert buttons.new() == [DOWN, DOWN]


class Fingers:
    """Sends touches through the browser's own input path, with the timing of a hand."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._devtools = page.context.new_cdp_session(page)

    def tap(self, *spots: tuple[int, int], hold_ms: int = 20) -> None:
        began = time.time()
        for count in range(1, len(spots) + 1):
            self._touch("touchStart", began, *spots[:count])
        self._page.wait_for_timeout(hold_ms)
        self._touch("touchEnd", began + hold_ms / 1000)

    def draw(self, spots: list[tuple[int, int]], dx: int, dy: int) -> None:
        began = time.time()
        for count in range(1, len(spots) + 1):
            self._touch("touchStart", began, *spots[:count])
        for part in range(1, 11):
            moved = [(x + dx * part // 10, y + dy * part // 10) for x, y in spots]
            self._touch("touchMove", began + part / 50, *moved)
        self._touch("touchEnd", began + 0.22)

    def _touch(self, kind: str, at: float, *spots: tuple[int, int]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(spots)]
        event = {"type": kind, "touchPoints": points, "timestamp": at}
        self._devtools.send("Input.dispatchTouchEvent", event)


@pytest.fixture
def fingers(view: Page) -> Fingers:
    return Fingers(view)


def test_a_tap_clicks_where_it_lands(view: Page, buttons: Buttons, fingers: Fingers) -> None:
    fingers.tap(SPOT)
    assert buttons.new() == [LEFT]


def test_a_long_press_and_a_tap_with_two_fingers_are_the_right_button(
    buttons: Buttons, fingers: Fingers
) -> None:
    fingers.tap(SPOT, hold_ms=800)
    assert buttons.new() == [RIGHT]
    fingers.tap(SPOT, (660, 400))
    assert buttons.new() == [RIGHT]


def test_two_fingers_scroll(buttons: Buttons, fingers: Fingers) -> None:
    fingers.draw([SPOT, (660, 400)], 0, 100)
    assert set(buttons.new()) == {UP}
    fingers.draw([SPOT, (660, 400)], 0, -100)
    assert set(buttons.new()) == {DOWN}


def test_the_screen_as_a_touchpad_moves_the_pointer_and_taps_at_it(
    view: Page, buttons: Buttons, fingers: Fingers
) -> None:
    view.evaluate("desktopView.bar.open(true)")
    view.get_by_text("View", exact=True).click()
    view.get_by_label("The screen is a touchpad").check()
    view.evaluate("desktopView.bar.close()")
    pointer = view.locator("[data-view-pointer]")
    before = pointer.bounding_box()
    fingers.draw([(100, 600)], 100, 50)
    after = pointer.bounding_box()
    assert before
    assert after
    assert after["x"] - before["x"] > 100
    assert after["y"] - before["y"] > 50
    fingers.tap((100, 600))
    assert buttons.new() == [LEFT]
