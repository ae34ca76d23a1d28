"""Refusals as Proxmox gives them: each carries its HTTP status and the text of the reason line.

ApiError
├── NotImplementedHere   501, unknown path or method
├── Unauthorized         401, no or wrong credentials (empty body)
├── Forbidden            403, a privilege is missing
├── BadParameters        400, with a text per parameter
└── Failed               500, everything that Proxmox dies of
"""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """A request that gets an error response; `message` becomes reason line and body."""

    status = 500

    def __init__(self, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.errors = dict(errors or {})


class Failed(ApiError):
    """The request was understood and cannot be done."""


class Unauthorized(ApiError):
    """No ticket, a wrong token or a disabled user."""

    status = 401


class Forbidden(ApiError):
    """The user lacks a privilege; `what` is "path, privilege" or a rule, possibly empty."""

    status = 403

    def __init__(self, what: str = "") -> None:
        super().__init__(f"Permission check failed ({what})" if what else "Permission check failed")


class BadParameters(ApiError):
    """One or more parameters are wrong."""

    status = 400

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("Parameter verification failed.", errors)


class NotImplementedHere(ApiError):
    """Proxmox's response for unknown paths; also used for what this server does not implement."""

    status = 501

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Method '{method} {path}' not implemented")
