"""The API keys of all people, and revoking one."""

from http import HTTPStatus

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.http.access import may
from webapp.http.context import actor, services
from webapp.web.admin.blueprint import blueprint
from webapp.web.fragments import is_live_request
from webapp.web.language import _
from webapp.web.pages import ListPage, page_number
from webapp.web.texts.keys import KeyRow, key_rows


@blueprint.get("/keys/")
@may(Action.KEY_SEE)
def keys() -> ResponseReturnValue:
    """Show the list."""
    return render_template("admin/keys.html", page=_page(), query=_query())


@blueprint.get("/keys/<int:key_id>/revoke")
@may(Action.KEY_REVOKE)
def confirm_revoke_key(key_id: int) -> ResponseReturnValue:
    """Ask for confirmation before a key is revoked."""
    return render_template(
        "keys/_revoke.html" if is_live_request() else "keys/revoke.html",
        key=services().keys.one(actor(), key_id),
        back_url=url_for("admin.keys"),
        revoke_url=url_for("admin.revoke_key", key_id=key_id),
    )


@blueprint.post("/keys/<int:key_id>/revoke")
@may(Action.KEY_REVOKE)
def revoke_key(key_id: int) -> ResponseReturnValue:
    """Revoke the key."""
    services().keys.revoke(actor(), key_id)
    flash(_("The key is revoked. Programs that use it are refused from now on."), "good")
    return redirect(url_for("admin.keys"), HTTPStatus.SEE_OTHER)


def _query() -> str:
    return request.args.get("q", "").strip()[:64]


def _page() -> ListPage[KeyRow]:
    query = _query()
    found = services().keys.search(query, page_number())
    return ListPage(
        rows=key_rows(found.rows),
        number=found.number,
        pages=found.pages,
        count=found.total,
        link=lambda number: url_for("admin.keys", q=query or None, page=number),
    )
