"""A person's own API keys: make a key, show it once, revoke it."""

from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import Form, PasswordField, SelectChoice, SelectField, StringField

from webapp.domain.access import may_grant
from webapp.domain.errors import BadInput, Refused
from webapp.domain.people.keys import LONGEST_NAME, MOST_KEYS, Scope
from webapp.domain.people.roles import Role
from webapp.http.access import signed_in
from webapp.http.context import actor, current_person, services
from webapp.services.people.keys import NewKey
from webapp.web.fragments import is_live_request
from webapp.web.language import _, lazy_gettext
from webapp.web.texts.keys import SCOPES, key_rows

blueprint = Blueprint("keys", __name__, url_prefix="/account/keys")

#: Days until a key expires; 0 for never.
LIVES = {
    7: lazy_gettext("in a week"),
    30: lazy_gettext("in 30 days"),
    90: lazy_gettext("in 90 days"),
    365: lazy_gettext("in a year"),
    0: lazy_gettext("never"),
}


def offered_lives() -> dict[int, str]:
    """Return LIVES and the site's default, in order; `never` comes last."""
    days = services().config.key_life.days
    named = {days: _("in %(days)s days", days=days), **LIVES}
    return dict(sorted(named.items(), key=lambda one: one[0] or 1_000_000))


class KeyForm(Form):  # type: ignore[misc]  # WTForms ships no types
    """The name, scope and life of a key."""

    name = StringField(
        lazy_gettext("Name"),
        render_kw={
            "maxlength": LONGEST_NAME,
            "required": True,
            "autocomplete": "off",
            "spellcheck": "false",
        },
    )
    scope = SelectField(lazy_gettext("It may"), default=Scope.READ.value, validate_choice=False)
    life = SelectField(
        lazy_gettext("It expires"),
        default=lambda: str(services().config.key_life.days),
        validate_choice=False,
    )
    password = PasswordField(
        lazy_gettext("Your password"),
        render_kw={"autocomplete": "current-password", "maxlength": 256, "required": True},
    )

    def offer(self, role: Role) -> None:
        """Offer the scopes that this person may grant, and the lives."""
        scopes = [scope for scope in Scope if may_grant(role, scope)]
        lives = offered_lives().items()
        self.life.choices = [SelectChoice(str(days), words) for days, words in lives]
        self.scope.choices = [SelectChoice(scope.value, SCOPES[scope]) for scope in scopes]

    def expires_at(self) -> datetime | None:
        """Return the chosen expiry, None for never. Raises BadInput for other choices."""
        days = {str(days): days for days in offered_lives()}.get(self.life.data or "")
        if days is None:
            raise BadInput("life", "key_life")
        return services().clock.now() + timedelta(days=days) if days else None


@blueprint.get("/")
@signed_in
def show() -> ResponseReturnValue:
    """Show the page."""
    return _page(KeyForm())


@blueprint.post("/")
@signed_in
def make() -> ResponseReturnValue:
    """Make a key and show it; sending the form again is refused because the name is taken."""
    form = KeyForm(request.form)
    try:
        _prove(form)
        made = services().keys.make(
            actor(), form.name.data or "", [form.scope.data or ""], form.expires_at()
        )
    except Refused as refusal:
        return _page(form, refusal=refusal), HTTPStatus.BAD_REQUEST
    return _page(KeyForm(), made=made)


@blueprint.get("/<int:key_id>/revoke")
@signed_in
def confirm_revoke(key_id: int) -> ResponseReturnValue:
    """Ask for confirmation before a key is revoked."""
    return render_template(
        "keys/_revoke.html" if is_live_request() else "keys/revoke.html",
        key=services().keys.one(actor(), key_id),
        back_url=url_for("keys.show"),
        revoke_url=url_for("keys.revoke", key_id=key_id),
    )


@blueprint.post("/<int:key_id>/revoke")
@signed_in
def revoke(key_id: int) -> ResponseReturnValue:
    """Revoke the key."""
    services().keys.revoke(actor(), key_id)
    flash(_("The key is revoked. Programs that use it are refused from now on."), "good")
    return redirect(url_for("keys.show"), HTTPStatus.SEE_OTHER)


def _prove(form: KeyForm) -> None:
    """Raise Refused unless the person entered the password now or recently."""
    own, who = services().own_account, actor()
    if form.password.data:
        own.confirm(who, _sign_in_id(), form.password.data)
    own.check_fresh(who, _sign_in_id(), "key.add")


def _sign_in_id() -> int:
    person = current_person()
    return person.signed_in.sign_in_id if person else 0


def _page(form: KeyForm, *, made: NewKey | None = None, refusal: Refused | None = None) -> str:
    person = current_person()
    form.offer(person.signed_in.role if person else Role.PERSON)
    return render_template(
        "keys/show.html",
        form=form,
        made=made,
        refusal=refusal,
        keys=key_rows(services().keys.list(actor().person_id or 0)),
        most=MOST_KEYS,
        needs_password=not services().own_account.is_fresh(actor(), _sign_in_id()),
    )
