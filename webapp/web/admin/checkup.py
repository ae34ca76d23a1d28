"""The results of the doctor's last run, which the workers store."""

from dataclasses import dataclass
from itertools import groupby

from flask import render_template
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.upkeep.health import Health
from webapp.http.access import may
from webapp.http.context import services
from webapp.models import Checkup
from webapp.web.admin.blueprint import blueprint
from webapp.web.language import _


@dataclass(frozen=True)
class Machine:
    """One machine's result."""

    host: str
    rows: list[Checkup]

    @property
    def examined_at(self) -> object:
        return self.rows[0].examined_at


@blueprint.get("/doctor/")
@may(Action.DOCTOR_SEE)
def checkup() -> ResponseReturnValue:
    """Show the page."""
    found = groupby(services().checkups.latest(), lambda row: row.host)
    return render_template(
        "admin/checkup.html",
        machines=[Machine(host, list(rows)) for host, rows in found],
        looks={
            Health.GOOD: ("good", "check-circle", _("Good")),
            Health.WARN: ("warn", "alert", _("Warning")),
            Health.UNKNOWN: ("still", "info", _("Unknown")),
            Health.BAD: ("bad", "cross-circle", _("Broken")),
        },
    )
