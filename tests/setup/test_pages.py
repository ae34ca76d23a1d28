"""The demo's visitor reads pages like a person without JavaScript."""

from setup.pages import Page

PAGE = """
<form method="post" action="/signin"><input type="hidden" name="csrf_token" value="t0&amp;ken">
<label>Name <input name="name"></label><input name="password" type="password"></form>
<form method="post" action="/desktops"><select name="minutes"><option value="15">15</option>
<option value="30" selected>30</option></select><input name="launch_token" value="abc"></form>
<dl><dd class="value mono secret">s3cret<br>pass</dd></dl><a href="/x/desktop.rdp">file</a>
<p class="panel">Hello <b>there</b></p>
"""


def test_forms_are_found_by_their_fields_with_their_values() -> None:
    form = Page(PAGE).form_with("name", "password")
    assert form is not None
    assert form.action == "/signin"
    assert form.fields == {"csrf_token": "t0&ken", "name": "", "password": ""}


def test_the_chosen_option_is_sent() -> None:
    form = Page(PAGE).form_to("/desktops")
    assert form is not None
    assert form.fields == {"minutes": "30", "launch_token": "abc"}


def test_texts_are_found_by_class_at_any_depth() -> None:
    page = Page(PAGE)
    assert page.texts_in("secret") == ["s3cret", "pass"]
    assert page.texts_in("panel") == ["Hello", "there"]
    assert page.texts_in("absent") == []


def test_links_are_found_by_their_ending() -> None:
    assert Page(PAGE).link_to(".rdp") == "/x/desktop.rdp"
    assert Page(PAGE).link_to(".zip") is None
