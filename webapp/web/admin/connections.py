"""The open connections, and cutting one."""

from http import HTTPStatus

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.errors import NotFound
from webapp.http.access import may
from webapp.http.context import actor, services
from webapp.services.connections.connections import ConnectionView
from webapp.web.admin.blueprint import blueprint
from webapp.web.fragments import fragment
from webapp.web.language import _
from webapp.web.pages import ListPage, page_number
from webapp.web.people.browser_name import browser_name
from webapp.web.texts.connections import DOORS
from webapp.web.words import data_size

POLL_SECONDS = 3


@blueprint.get("/connections/")
@may(Action.CONNECTION_SEE)
def connections() -> ResponseReturnValue:
    """Show the page."""
    return render_template("admin/connections.html", poll_seconds=POLL_SECONDS, page=_page())


@blueprint.get("/connections/live")
@may(Action.CONNECTION_SEE)
def connections_live() -> ResponseReturnValue:
    """Return the table of the page, for live updates."""
    return fragment("admin/_connections.html", POLL_SECONDS, page=_page())


@blueprint.post("/connections/<connection_id>/cut")
@may(Action.CONNECTION_CUT)
def cut(connection_id: str) -> ResponseReturnValue:
    """Cut one connection; the desktop keeps running."""
    try:
        services().connections.cut(actor(), connection_id)
    except NotFound:
        flash(_("That connection had already ended."), "good")
    else:
        flash(_("The connection was cut. The desktop continues."), "good")
    return redirect(url_for("admin.connections"), HTTPStatus.SEE_OTHER)


class ConnectionRow:
    """One open connection as the table shows it."""

    def __init__(self, view: ConnectionView) -> None:
        self.view = view

    @property
    def url(self) -> str:
        """The page of the target; empty if it has none."""
        desktop_id = self.view.desktop_id
        return url_for("admin.desktop", public_id=desktop_id) if desktop_id else ""

    @property
    def way(self) -> str:
        """The protocol and the door."""
        return f"{self.view.protocol.upper()}, {DOORS[self.view.door]}"

    @property
    def browser(self) -> str:
        return browser_name(self.view.browser)

    @property
    def received(self) -> str:
        return data_size(self.view.bytes_down)

    @property
    def sent(self) -> str:
        return data_size(self.view.bytes_up)

    @property
    def processor(self) -> str:
        """Processor time used in the gateway so far."""
        return f"{self.view.cpu_ms / 1000:.1f} s"


def _page() -> ListPage[ConnectionRow]:
    found = services().connections.open_connections(page_number())
    return ListPage(
        rows=[ConnectionRow(view) for view in found.rows],
        number=found.number,
        pages=found.pages,
        count=found.total,
        link=lambda number: url_for("admin.connections", page=number),
    )
