"""Access to monitoring data: for holders of the token, roles that may see it and this machine."""

import hmac
from ipaddress import ip_address

from flask import request

from webapp.domain.access import Action
from webapp.domain.errors import OutsideFailed
from webapp.http.context import may_everywhere, services, source_address

_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


def shows_token() -> bool:
    """Whether the request's bearer token is WINUX_METRICS_TOKEN."""
    token = services().config.metrics_token
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    is_bearer = bool(token) and scheme.lower() == "bearer"
    return is_bearer and hmac.compare_digest(shown.encode(), token.encode())


def may_see_troubles() -> bool:
    """Whether the caller may read the site's problems, which contain machine names."""
    return shows_token() or _is_of_this_machine() or _may_see_the_doctor()


def _is_of_this_machine() -> bool:
    """Whether the request comes from a loopback address and through no proxy, trusted or not."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    address = source_address()
    return bool(address) and ip_address(address).is_loopback


def _may_see_the_doctor() -> bool:
    try:
        return may_everywhere(Action.DOCTOR_SEE)
    except OutsideFailed:  # the database may be the problem
        return False
