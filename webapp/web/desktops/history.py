"""My desktops: a person's current and past desktops, with the reason each ended."""

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from webapp.http.access import signed_in
from webapp.http.context import actor, services
from webapp.web.fragments import fragment
from webapp.web.pages import DesktopPage, list_page, page_number

blueprint = Blueprint("history", __name__, url_prefix="/desktops")


@blueprint.get("/")
@signed_in
def show() -> ResponseReturnValue:
    """Show the page."""
    return render_template("desktops/list.html", page=_page())


@blueprint.get("/live")
@signed_in
def live() -> ResponseReturnValue:
    """Return the table of the page, for live updates."""
    page = _page()
    return fragment("desktops/_list.html", page.poll_seconds, page=page)


def _page() -> DesktopPage:
    person_id = actor().person_id or 0
    found = services().reports.history(person_id, page_number())
    return list_page(found, lambda number: url_for("history.show", page=number))
