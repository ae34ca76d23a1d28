"""Error pages: what happened, what to do, and a reference for failures of the site."""

import logging
from dataclasses import dataclass

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from webapp.domain.errors import (
    BadInput,
    Conflict,
    NotFound,
    OutsideFailed,
    Refused,
    TooMany,
    WinuxError,
)
from webapp.http.context import forget_person, services
from webapp.http.forgery import ForeignForm, NoCookie
from webapp.http.request_log import request_id
from webapp.web.fragments import is_live_request
from webapp.web.language import _, lazy_gettext
from webapp.web.texts.refusals import message_of, what_to_do

log = logging.getLogger("winux.web")

#: The first matching class determines the status.
STATUS: list[tuple[type[WinuxError], int]] = [
    (BadInput, 400),
    (TooMany, 429),
    (Refused, 409),
    (NotFound, 404),
    (Conflict, 409),
    (OutsideFailed, 503),
]

WORDS = {
    400: (
        lazy_gettext("Invalid request"),
        lazy_gettext(
            "The browser sent something that this site cannot use. Go back and try again."
        ),
    ),
    403: (
        lazy_gettext("Your role does not allow this"),
        lazy_gettext("If you need it, ask an administrator of this site for another role."),
    ),
    404: (
        lazy_gettext("Page not found"),
        lazy_gettext("The address is wrong, or it belongs to something that is gone or not yours."),
    ),
    405: (
        lazy_gettext("Method not allowed"),
        lazy_gettext("This address cannot be opened directly. Use the button on the page instead."),
    ),
    413: (
        lazy_gettext("Too much data"),
        lazy_gettext("The form sent more data than this site accepts. Nothing was changed."),
    ),
    429: (
        lazy_gettext("Too many requests"),
        lazy_gettext("Wait a moment and try again."),
    ),
}


@dataclass(frozen=True)
class ErrorPage:
    """What the error page shows."""

    title: str
    text: str
    icon: str = "info"
    reference: str = ""
    again_url: str = ""


def show(error: Exception) -> ResponseReturnValue:
    """Return an error page for any exception."""
    if isinstance(error, WinuxError):
        return show_own(error)
    if isinstance(error, CSRFError):
        return _render(_form_page(error), 400)
    if isinstance(error, HTTPException):
        return _show_http(error)
    return _show_defect(error)


def status_of(error: WinuxError) -> int:
    """Return the HTTP status of a WinuxError."""
    if isinstance(error, Refused) and error.reason == "forbidden":
        return 403
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def show_own(error: WinuxError) -> ResponseReturnValue:
    """Return the error page for a WinuxError."""
    status = status_of(error)
    if isinstance(error, OutsideFailed):
        forget_person()  # the page itself must not query the failed database
    if status >= 500:
        log.error("Request failed: %s", error, extra={"request": request_id()})
    page = _outside_page() if status >= 500 else _own_page(error)
    answer = _render(page, status)
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(int(error.retry_after.total_seconds()) + 1)
    return answer


def _own_page(error: WinuxError) -> ErrorPage:
    return ErrorPage(title=message_of(error), text=what_to_do(error), again_url=_same_page())


def _outside_page() -> ErrorPage:
    """Return a page without details, which name machines and files; they are in the log."""
    return ErrorPage(
        title=_("Service unavailable"),
        text=_(
            "Nothing was changed. Try again in a moment. If this continues, give the reference to "
            "the administrators of this site."
        ),
        icon="alert",
        reference=request_id(),
        again_url=_same_page(),
    )


def _form_page(error: CSRFError) -> ErrorPage:
    """Return a page that says why the form was refused, as far as known."""
    site = services().config.public_url
    if isinstance(error, ForeignForm):
        return ErrorPage(
            title=_("This form came from another address"),
            text=_(
                "It was sent from %(origin)s, but this site is %(site)s. Nothing was done. Open "
                "%(site)s and repeat what you did. If you were there, the administrators of this "
                "site should compare WINUX_PUBLIC_URL with the address bar.",
                origin=error.origin,
                site=site,
            ),
        )
    if isinstance(error, NoCookie):
        return ErrorPage(
            title=_("Your browser sent no cookie of this site"),
            text=_(
                "Nothing was done. Open %(site)s at exactly this address, allow its cookies, and "
                "repeat what you did.",
                site=site,
            ),
        )
    return ErrorPage(
        title=_("This page was open for too long"),
        text=_("For safety, nothing was done. Open the page again and repeat what you did."),
        again_url=_same_page(),
    )


def _show_http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:  # a redirect raised by werkzeug is a response, not an error
        return error
    if status >= 500:
        return _show_defect(error)
    title, text = WORDS.get(status, WORDS[400])
    answer = _render(ErrorPage(title=str(title), text=str(text)), status)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            answer.headers[name] = value
    return answer


def _show_defect(error: Exception) -> ResponseReturnValue:
    log.error("Request failed", exc_info=error, extra={"request": request_id()})
    page = ErrorPage(
        title=_("Internal error"),
        text=_(
            "The action may not have been carried out. Try again. If this continues, give the "
            "reference to the administrators of this site."
        ),
        icon="alert",
        reference=request_id(),
        again_url=_same_page(),
    )
    return _render(page, 500)


def _same_page() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else ""


def _render(page: ErrorPage, status: int) -> Response:
    if is_live_request():
        return make_response("", status)
    return make_response(render_template("errors/error.html", error=page), status)
