"""Authenticates and authorizes API callers: by API key, or by sign-in cookie and CSRF token.

If a request has a key, only the key counts; its cookie is ignored.
"""

from dataclasses import dataclass
from typing import cast

from flask import current_app, g, request
from flask_wtf.csrf import CSRFProtect

from webapp.api.framework.problem import Problem
from webapp.domain.people.keys import Scope, held_scopes
from webapp.http.context import current_person, services, source_address
from webapp.services.audit.record import Actor

#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Caller:
    """The caller of this request and the scopes it has."""

    person_id: int
    name: str
    scopes: frozenset[Scope]
    key_id: int | None = None
    sign_in_id: int | None = None

    @property
    def is_admin(self) -> bool:
        """Whether the caller has the scope admin."""
        return Scope.ADMIN in self.scopes

    @property
    def actor(self) -> Actor:
        """The caller as an actor, for the services."""
        return Actor(self.person_id, source_address(), self.is_admin, key_id=self.key_id)


def caller() -> Caller:
    """Return the caller of the current request."""
    return cast(Caller, g.caller)


def check(scope: Scope | None) -> None:
    """Authenticate the caller and check the scope; None allows any caller.

    Raises Problem, TooMany (too many wrong keys) or CSRFError.
    """
    if scope is None:
        return
    found = _by_key() or _by_cookie()
    if found is None:
        raise Problem(
            "unauthorized",
            what_to_do="Send a key in the header X-API-Key; one is made on the page of an account.",
            headers={"WWW-Authenticate": 'Bearer realm="winux"'},
        )
    if scope not in found.scopes:
        problem = _not_allowed(found, scope)
        call = f"{request.method} {request.path}"
        services().audit.refuse(found.actor, "api.call", call, problem.detail, problem.slug)
        raise problem
    g.caller = found
    g.person_name = found.name


def shown_key() -> str | None:
    """Return the API key in the request, or None."""
    if (key := request.headers.get("X-API-Key")) is not None:
        return key.strip()
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else None


def _by_key() -> Caller | None:
    text = shown_key()
    if text is None:
        return None
    holder = services().key_gate.identify(text, source_address())
    if holder is None:
        raise Problem(
            "unauthorized",
            "This key is unknown, revoked or expired, or its person is suspended.",
            "Make a new one on the page of your account.",
            headers={"WWW-Authenticate": 'Bearer realm="winux", error="invalid_token"'},
        )
    return Caller(holder.person_id, holder.name, holder.scopes, key_id=holder.key_id)


def _by_cookie() -> Caller | None:
    person = current_person()
    if person is None:
        return None
    if request.method not in SAFE:
        cast(CSRFProtect, current_app.extensions["csrf"]).protect()
    scopes = held_scopes([Scope.ADMIN if person.is_admin else Scope.LAUNCH], is_admin=True)
    return Caller(person.id, person.name, scopes, sign_in_id=person.signed_in.sign_in_id)


def _not_allowed(found: Caller, scope: Scope) -> Problem:
    if found.key_id is None:
        return Problem("forbidden", "Your account is not an administrator's.")
    has = ", ".join(one for one in Scope if one in found.scopes)
    return Problem(
        "scope",
        f"This needs the scope {scope}; the key has {has}.",
        "Make a key with that scope, if you may.",
        {"needed_scope": scope},
    )
