"""Home: the person's current desktops and the templates to launch."""

import secrets
from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.desktops.launch_limits import LimitReached
from webapp.domain.errors import BadInput, Refused
from webapp.domain.states import LIVE
from webapp.http.access import signed_in
from webapp.http.context import actor, may_everywhere, services
from webapp.models import Template
from webapp.services.desktops.gate import Gate
from webapp.services.desktops.views import Offer
from webapp.web import words
from webapp.web.desktops.limit_panel import LimitPanel, limit_panel
from webapp.web.desktops.loading import moving_view
from webapp.web.desktops.view import DesktopView, picture_of
from webapp.web.forms import LaunchForm
from webapp.web.fragments import fragment
from webapp.web.language import _
from webapp.web.texts.launch import cool_down_words, room_words
from webapp.web.texts.refusals import sentence_of

blueprint = Blueprint("home", __name__)


@dataclass(frozen=True)
class Card:
    """A template as its card shows it."""

    template: Template
    form: LaunchForm
    estimate: str
    running: list[DesktopView]
    """The person's own desktops of this template; ready ones come first."""
    limit: LimitPanel | None
    """Set if the person has reached the limit of this template."""
    room: str
    """How many more fit; empty if unknown."""
    resting: str
    """Why and until when the template accepts no launches; empty if it accepts them."""
    can_launch: bool

    @property
    def name(self) -> str:
        return self.template.name

    @property
    def title(self) -> str:
        return self.template.title

    @property
    def sentence(self) -> str:
        return self.template.summary

    @property
    def picture(self) -> str:
        return picture_of(self.template)

    @property
    def memory(self) -> str:
        return words.memory(self.template.memory_mb)

    @property
    def cores(self) -> str:
        return words.cores(self.template.cores)

    @property
    def disk(self) -> str:
        return words.disk(self.template.disk_gb)

    @property
    def default_choices(self) -> str:
        return words.minutes_words(self.template.default_minutes)

    @property
    def minutes_hint(self) -> str:
        longest = words.minutes_words(self.template.max_minutes)
        return _("At most %(longest)s. You can extend it while it runs.", longest=longest)


@blueprint.get("/")
@signed_in
def show() -> ResponseReturnValue:
    """Show the page."""
    return home_page(LaunchForm())


@blueprint.get("/live")
@signed_in
def live() -> ResponseReturnValue:
    """Return the part of the page that updates live."""
    desktops = _desktops()
    return fragment("home/_running.html", _poll_seconds(desktops), desktops=desktops)


def home_page(form: LaunchForm, complaint: Refused | None = None) -> str:
    """Return the page with the form as it was sent, and the complaint about it."""
    if isinstance(complaint, BadInput) and complaint.field in LaunchForm.CHOICES:
        form[complaint.field].errors = [sentence_of(complaint)]
        complaint = None
    desktops = _desktops()
    offers = services().reports.offers()
    gates = services().capacity.gates()
    full = (
        complaint if isinstance(complaint, LimitReached) else services().launcher.why_not(actor())
    )
    templates = [offer.template for offer in offers]
    return render_template(
        "home/show.html",
        desktops=desktops,
        templates=[
            _card(offer, gates[offer.template.id], form, desktops)
            for offer in offers
            if offer.template.id in gates  # missing if it was enabled between the two reads
        ],
        launch_token=secrets.token_urlsafe(24),
        complaint=None if full else complaint,
        full=full,
        limit=limit_panel(full, desktops, templates, form)
        if isinstance(full, LimitReached)
        else None,
        poll_seconds=_poll_seconds(desktops),
    )


def _desktops() -> list[DesktopView]:
    who = actor()
    rows = services().reports.live_desktops(who.person_id or 0)
    return [moving_view(who, row) for row in rows]


def _poll_seconds(desktops: list[DesktopView]) -> int:
    return min((desktop.poll_seconds for desktop in desktops), default=0)


def _card(offer: Offer, gate: Gate, sent: LaunchForm, desktops: list[DesktopView]) -> Card:
    template = offer.template
    form = sent if sent.template.data == template.name else LaunchForm()
    form.offer(template)
    mine = [one for one in desktops if one.row.template_id == template.id]
    reached = None
    if template.max_per_person is not None:
        reached = services().launcher.why_not(actor(), template)
    return Card(
        template,
        form,
        _estimate(offer),
        sorted(
            (one for one in mine if one.row.state in LIVE),
            key=lambda one: (not one.is_ready, one.is_at_rest),
        ),
        limit_panel(reached, desktops, [template], form)
        if isinstance(reached, LimitReached)
        else None,
        room_words(gate, offer.warm),
        cool_down_words(gate.rest) if gate.rest and not offer.warm else "",
        can_launch=not gate.rest or offer.warm > 0 or may_everywhere(Action.TEMPLATE_TRY),
    )


def _estimate(offer: Offer) -> str:
    if offer.warm:
        return _("ready at once")
    return _("about %(time)s", time=words.short(offer.usual)) if offer.usual else ""
