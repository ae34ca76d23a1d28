"""One's own account: where one is signed in, and ending it there."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from webapp.http.access import signed_in
from webapp.http.context import CurrentPerson, actor, current_person, services
from webapp.models import SignIn
from webapp.web.browser_name import browser_name
from webapp.web.language import _

blueprint = Blueprint("account", __name__, url_prefix="/account")


@dataclass(frozen=True)
class SignInRow:
    """One signed-in browser as the table shows it."""

    id: int
    browser: str
    address: str
    created_at: datetime
    seen_at: datetime
    is_this: bool


@blueprint.get("/")
@signed_in
def show() -> ResponseReturnValue:
    """The page."""
    return render_template(
        "account/show.html",
        sign_ins=_sign_ins(),
        key_count=len(services().keys.list(actor().person_id or 0)),
    )


@blueprint.post("/sign-ins/<int:sign_in_id>/end")
@signed_in
def end(sign_in_id: int) -> ResponseReturnValue:
    """Sign one browser out."""
    services().accounts.end_sign_in(actor(), sign_in_id)
    flash(_("That browser is signed out."), "good")
    return redirect(url_for("account.show"), HTTPStatus.SEE_OTHER)


@blueprint.post("/sign-ins/end-others")
@signed_in
def end_others() -> ResponseReturnValue:
    """Sign all browsers but this one out."""
    for row in _sign_ins():
        if not row.is_this:
            services().accounts.end_sign_in(actor(), row.id)
    flash(_("All other browsers are signed out."), "good")
    return redirect(url_for("account.show"), HTTPStatus.SEE_OTHER)


def _sign_ins() -> list[SignInRow]:
    person = current_person()
    if person is None:
        return []
    return [_row(sign_in, person) for sign_in in services().accounts.sign_ins(person.id)]


def _row(sign_in: SignIn, person: CurrentPerson) -> SignInRow:
    return SignInRow(
        id=sign_in.id,
        browser=browser_name(sign_in.user_agent),
        address=sign_in.source_address,
        created_at=sign_in.created_at,
        seen_at=sign_in.seen_at,
        is_this=sign_in.id == person.signed_in.sign_in_id,
    )
