"""A person's own account: the password, the signed-in browsers, and signing them out."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import logout_user

from webapp.domain.errors import BadInput, Refused
from webapp.http.access import signed_in
from webapp.http.context import CurrentPerson, actor, current_person, services
from webapp.models import SignIn
from webapp.web.forms import PasswordForm
from webapp.web.language import _
from webapp.web.people.browser_name import browser_name
from webapp.web.people.signin import remember_device

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
    """Show the page."""
    return _page(PasswordForm())


@blueprint.post("/password")
@signed_in
def change_password() -> ResponseReturnValue:
    """Change the password; everything but this browser's sign-in ends."""
    form, person = PasswordForm(request.form), current_person()
    if person is None:
        return redirect(url_for("signin.show"), HTTPStatus.SEE_OTHER)
    try:
        _check_twice(form)
        services().own_account.change_password(
            actor(), person.signed_in.sign_in_id, form.old.data or "", form.new.data or ""
        )
    except Refused as refusal:
        return _page(form, refusal), HTTPStatus.BAD_REQUEST
    flash(_("Your password is changed. All other sign-ins have ended."), "good")
    answer = redirect(url_for("account.show"), HTTPStatus.SEE_OTHER)
    return remember_device(answer, person.id)


@blueprint.post("/end-everything")
@signed_in
def end_everything() -> ResponseReturnValue:
    """Sign out everywhere, also here, and end all keys and connections."""
    person = current_person()
    if person:
        services().own_account.end_everything(actor(), person.name)
    logout_user()
    session.clear()
    flash(_("You are signed out everywhere. Your API keys are revoked."), "good")
    return redirect(url_for("signin.show"), HTTPStatus.SEE_OTHER)


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


def _check_twice(form: PasswordForm) -> None:
    if form.new.data != form.again.data:
        raise BadInput("again", "new_passwords_differ")


def _page(form: PasswordForm, refusal: Refused | None = None) -> str:
    return render_template(
        "account/show.html",
        form=form,
        refusal=refusal,
        sign_ins=_sign_ins(),
        key_count=len(services().keys.list(actor().person_id or 0)),
    )


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
