"""The colours that a person chose."""

import pytest

from tests.web.conftest import Browse
from webapp.services.audit.record import Actor


@pytest.mark.parametrize("look", ["light", "dark", "contrast"])
def test_a_choice_is_kept_and_in_the_first_paint(browse: Browse, alice: Actor, look: str) -> None:
    browser = browse("alice")
    answer = browser.post("/look", look=look, next="/account/")
    assert answer.headers["Location"] == "/account/"
    assert f'data-look="{look}"' in browser.get("/").text


def test_nonsense_means_the_browsers_own_preference(browse: Browse, alice: Actor) -> None:
    browser = browse("alice")
    browser.post("/look", look='"><script>', next="//evil.example")
    assert "data-look=" not in browser.get("/").text.split("<body")[0]
    browser.client.set_cookie("winux-look", '"onload=x')
    assert "onload" not in browser.get("/").text
