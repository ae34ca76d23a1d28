"""The administrators' first page: health, numbers and recent failures."""

from dataclasses import dataclass

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.states import AT_REST, LIVE, State
from webapp.domain.templates.breaker import CoolingDown
from webapp.domain.upkeep.health import Health
from webapp.http.access import may
from webapp.http.context import may_everywhere, services
from webapp.services.desktops.capacity import ClusterView
from webapp.services.desktops.views import DesktopFilter
from webapp.web.admin.blueprint import blueprint
from webapp.web.admin.chart import chart_of
from webapp.web.desktops.loading import plain_view
from webapp.web.fragments import fragment
from webapp.web.language import _, ngettext
from webapp.web.words import hour

POLL_SECONDS = 5
FAILURES = 8


@dataclass(frozen=True)
class Check:
    """One part of the health strip."""

    title: str
    text: str
    tone: str
    url: str = ""
    """The page with details."""


@dataclass(frozen=True)
class Number:
    """One number, of now or of today."""

    title: str
    value: int


@blueprint.get("/")
@may(Action.STATISTICS_SEE)
def overview() -> ResponseReturnValue:
    """Show the page."""
    return render_template("admin/overview.html", poll_seconds=POLL_SECONDS, **_numbers())


@blueprint.get("/live")
@may(Action.STATISTICS_SEE)
def overview_live() -> ResponseReturnValue:
    """Return the part of the page that updates live."""
    return fragment("admin/_overview.html", POLL_SECONDS, **_numbers())


def _numbers() -> dict[str, object]:
    reports = services().reports
    now = reports.overview()
    failed = reports.all_desktops(DesktopFilter(has_failed=True)).rows[:FAILURES]
    cluster = services().capacity.view()
    return {
        "checks": [
            *_checks(reports.readiness().troubles),
            _nodes(cluster),
            *_resting(),
            _differences(),
            _doctor(),
        ],
        "numbers": [
            Number(_("Ready now"), now.by_state.get(State.READY, 0)),
            Number(
                _("Being made"),
                sum(now.by_state.get(state, 0) for state in LIVE - AT_REST - {State.READY}),
            ),
            Number(_("Paused"), sum(now.by_state.get(state, 0) for state in AT_REST)),
            Number(_("Warm in the pool"), now.by_state.get(State.WARM, 0)),
            Number(_("Launched today"), now.launches_today),
            Number(_("Failed today"), now.failures_today),
            Number(_("People"), now.people),
            *([] if cluster.fits is None else [Number(_("More fit (about)"), cluster.fits)]),
        ],
        "hours": chart_of(services().trends.hours()),
        "failures": [plain_view(row) for row in failed],
    }


def _checks(troubles: dict[str, str]) -> list[Check]:
    """Return the parts in a fixed order; a part without trouble is good."""
    parts = {
        "worker": (_("Worker"), _("Runs and takes launches.")),
        "proxmox": (_("Proxmox"), _("Answers.")),
        "template": (_("Templates"), _("At least one can be launched.")),
    }
    return [
        Check(title, troubles.get(name, well), "bad" if name in troubles else "good")
        for name, (title, well) in parts.items()
    ]


def _nodes(cluster: ClusterView) -> Check:
    """Return whether all nodes and templates are usable; the linked page shows the remedy."""
    down = ", ".join(view.node.name for view in cluster.down)
    stuck = ", ".join(f"{one.template} ({one.node})" for one in cluster.stuck)
    parts = [
        _("Not usable: %(names)s.", names=down) if down else "",
        _("Stale locks: %(names)s.", names=stuck) if stuck else "",
    ]
    trouble = " ".join(part for part in parts if part)
    well = ngettext("%(num)s node, all working.", "%(num)s nodes, all working.", len(cluster.nodes))
    tone = "bad" if trouble else "good"
    return Check(_("Nodes"), trouble or well, tone, url_for("admin.nodes"))


def _resting() -> list[Check]:
    """Return the templates that rest after repeated build failures."""
    url = url_for("admin.desktops", state="failed")
    gates = services().capacity.gates().values()
    return [
        Check(gate.template.title, _cool_down_words(gate.rest), "bad", url)
        for gate in gates
        if gate.rest
    ]


def _cool_down_words(rest: CoolingDown) -> str:
    if rest.is_on_trial:
        return _("After repeated failures, it is being tried again now.")
    words = _("After repeated failures, it rests until %(time)s.", time=hour(rest.until))
    if may_everywhere(Action.TEMPLATE_TRY):
        words = f"{words} " + _("Launch one yourself to try it now.")
    return words


def _differences() -> Check:
    count = len(services().findings.now_open())
    words = ngettext("%(num)s difference to the nodes.", "%(num)s differences to the nodes.", count)
    return Check(
        _("Differences"),
        words if count else _("Database and nodes agree."),
        "warn" if count else "good",
        url_for("admin.differences"),
    )


def _doctor() -> Check:
    broken = sum(row.health is Health.BAD for row in services().checkups.latest())
    words = ngettext("%(num)s part is broken.", "%(num)s parts are broken.", broken)
    return Check(
        _("Doctor"),
        words if broken else _("Found nothing broken."),
        "bad" if broken else "good",
        url_for("admin.checkup"),
    )
