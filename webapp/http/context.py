"""What a request knows: the services, and who asks."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app, g, request
from flask_login import LoginManager, current_user

from webapp.bootstrap import Services
from webapp.services.audit.record import Actor
from webapp.services.people.accounts import SignedIn


@dataclass(frozen=True)
class CurrentPerson:
    """Who is signed in, in the form that flask-login wants; the cookie holds the token alone."""

    signed_in: SignedIn
    token: str

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.token

    @property
    def id(self) -> int:
        return self.signed_in.person_id

    @property
    def name(self) -> str:
        return self.signed_in.name

    @property
    def is_admin(self) -> bool:
        return self.signed_in.is_admin


def init_context(app: Flask, services: Services) -> None:
    """Give every request the services and the person behind its cookie."""
    app.extensions["winux"] = services
    manager = LoginManager()
    manager.session_protection = None  # the sign-in row decides; addresses change under phones
    manager.user_loader(load_person)
    manager.init_app(app, add_context_processor=False)


def services() -> Services:
    """The services that create_app() was given."""
    return cast(Services, current_app.extensions["winux"])


def current_person() -> CurrentPerson | None:
    """Who asks, or None when nobody is signed in."""
    if g.get("is_person_unknown"):
        return None
    return current_user._get_current_object() if current_user.is_authenticated else None


def forget_person() -> None:
    """For the rest of this request: who asks cannot be found out, so do not ask again."""
    g.is_person_unknown = True


def source_address() -> str:
    """Where the request comes from; behind proxies only as far as they are trusted."""
    return request.remote_addr or ""


def actor(*, as_admin: bool = False) -> Actor:
    """Who acts, for the services: with an admin's rights only on the admin's pages."""
    person = current_person()
    is_admin = as_admin and person is not None and person.is_admin
    return Actor(person.id if person else None, source_address(), is_admin)


def load_person(token: str) -> CurrentPerson | None:
    """Who holds this sign-in token, or None when it is not, or no longer, good."""
    signed_in = services().accounts.signed_in(token)
    return CurrentPerson(signed_in, token) if signed_in else None
