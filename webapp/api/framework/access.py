"""Authenticates and authorizes API callers: by API key, or by sign-in cookie and CSRF token.

If a request has a key, only the key counts; its cookie is ignored.
"""

from dataclasses import dataclass
from typing import cast

from flask import current_app, g, request
from flask_wtf.csrf import CSRFProtect

from webapp.api.framework.problem import Problem
from webapp.domain.access import (
    Action,
    Denied,
    Reason,
    decide_on_anything,
    held_scopes,
    needed_scope,
    subject_of_key,
)
from webapp.domain.errors import Refused
from webapp.domain.people.keys import Scope
from webapp.domain.people.roles import Role
from webapp.http.context import current_person, services, source_address
from webapp.services.audit.record import Actor
from webapp.texts.sentences import message, what_to_do

#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Caller:
    """The caller of this request and the scopes it has."""

    person_id: int
    name: str
    role: Role
    scopes: frozenset[Scope]
    key_id: int | None = None
    sign_in_id: int | None = None

    @property
    def actor(self) -> Actor:
        """The caller as an actor, for the services."""
        key = subject_of_key(self.person_id, self.role, self.scopes)
        return Actor(
            self.person_id,
            source_address(),
            role=self.role,
            scope=None if self.key_id is None else key.scope,
            key_id=self.key_id,
        )


def caller() -> Caller:
    """Return the caller of the current request."""
    return cast(Caller, g.caller)


def check(action: Action | None) -> None:
    """Authenticate the caller and check that it may do the action to anything at all.

    The services check it for the target. None allows any caller.

    Raises Problem, TooMany (too many wrong keys) or CSRFError.
    """
    if action is None:
        return
    found = _by_key() or _by_cookie()
    if found is None:
        raise Problem(
            "unauthorized",
            what_to_do="Send a key in the header X-API-Key; one is made on the page of an account.",
            headers={"WWW-Authenticate": 'Bearer realm="winux"'},
        )
    answer = decide_on_anything(found.actor, action)
    if isinstance(answer, Denied):
        refusal = _not_allowed(found, action, answer.reason)
        call = f"{request.method} {request.path}"
        services().audit.refuse(found.actor, "api.call", call, refusal)
        raise _problem(refusal, action)
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
    return Caller(holder.person_id, holder.name, holder.role, holder.scopes, key_id=holder.key_id)


def _by_cookie() -> Caller | None:
    person = current_person()
    if person is None:
        return None
    if request.method not in SAFE:
        cast(CSRFProtect, current_app.extensions["csrf"]).protect()
    signed_in = person.signed_in
    scopes = held_scopes(Scope, signed_in.role)
    return Caller(person.id, person.name, signed_in.role, scopes, sign_in_id=signed_in.sign_in_id)


def _not_allowed(found: Caller, action: Action, reason: Reason) -> Refused:
    scope = needed_scope(action)
    if found.key_id is None or scope in found.scopes:
        is_key = reason is Reason.SCOPE
        return Refused("forbidden.key_without_admin" if is_key else "forbidden.role")
    held = tuple(one.value for one in Scope if one in found.scopes)
    return Refused("scope.key", needed=scope.value, held=held)


def _problem(refusal: Refused, action: Action) -> Problem:
    more = {"needed_scope": needed_scope(action)} if refusal.reason == "scope" else {}
    return Problem(refusal.reason, message(refusal), what_to_do(refusal), more)
