"""The audit log: search, paging and export of actions and refusals."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.audit.actions import parse_moment
from webapp.domain.errors import BadInput
from webapp.http.access import may
from webapp.http.context import actor, services
from webapp.services.audit.export import KINDS
from webapp.services.audit.log import MACHINE, WINUX, AuditFilter, AuditPage
from webapp.web.admin.blueprint import blueprint
from webapp.web.texts.audit import AuditRow, audit_row

#: The names of the form's fields in the URL.
FIELDS = ("person", "action", "object", "from", "to", "key", "refused")


@dataclass(frozen=True)
class AuditView:
    """The page: the filter, the entries found, and the links to other pages."""

    asked: dict[str, str]
    rows: list[AuditRow]
    actions: list[str]
    older_url: str
    newer_url: str
    newest_url: str
    complaint: BadInput | None = None

    @property
    def is_filtered(self) -> bool:
        return bool(self.asked)

    def export_url(self, kind: str) -> str:
        return _address(url_for("admin.export_audit", kind=kind), self.asked)


@blueprint.get("/audit/")
@may(Action.AUDIT_READ)
def audit() -> ResponseReturnValue:
    """Show the page."""
    asked = _asked()
    try:
        page = services().audit_log.page(
            _filter(asked), before=_number("before"), after=_number("after")
        )
    except BadInput as complaint:
        view = _view(asked, AuditPage([], None, None), complaint)
        return render_template("admin/audit.html", **_context(view)), HTTPStatus.BAD_REQUEST
    return render_template("admin/audit.html", **_context(_view(asked, page)))


@blueprint.get("/audit/export.<kind>")
@may(Action.AUDIT_EXPORT)
def export_audit(kind: str) -> ResponseReturnValue:
    """Export all matching entries as a file, streamed while they are read."""
    if kind not in KINDS:
        return abort(HTTPStatus.NOT_FOUND)
    write, media_type = KINDS[kind]
    lines = services().audit_log.export(actor(), _filter(_asked()), kind)
    name = f"winux-audit-{services().clock.now():%Y-%m-%d}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(write(lines), content_type=media_type, headers=headers)


def _asked() -> dict[str, str]:
    """Return the filter values of the URL, without empty ones."""
    found = {name: request.args.get(name, "").strip()[:80] for name in FIELDS}
    return {name: value for name, value in found.items() if value}


def _filter(asked: dict[str, str]) -> AuditFilter:
    return AuditFilter(
        person=asked.get("person", ""),
        action=asked.get("action", ""),
        subject=asked.get("object", ""),
        refused_only="refused" in asked,
        since=parse_moment("from", asked.get("from", "")),
        until=parse_moment("to", asked.get("to", ""), is_end=True),
        key=asked.get("key", "").removeprefix("wx_").partition("_")[0],
    )


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadInput(name, "audit_place")
    return int(text)


def _view(asked: dict[str, str], page: AuditPage, complaint: BadInput | None = None) -> AuditView:
    here = url_for("admin.audit")
    return AuditView(
        asked=asked,
        rows=[audit_row(line) for line in page.lines],
        actions=services().audit_log.actions(),
        older_url=_address(here, asked | {"before": str(page.older)}) if page.older else "",
        newer_url=_address(here, asked | {"after": str(page.newer)}) if page.newer else "",
        newest_url=_address(here, asked),
        complaint=complaint,
    )


def _address(path: str, asked: dict[str, str]) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


def _context(view: AuditView) -> dict[str, object]:
    return {"view": view, "WINUX": WINUX, "MACHINE": MACHINE}
