"""The nodes: which are up, how many more desktops fit, and which templates are left locked."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.access import Action
from webapp.domain.errors import NotFound
from webapp.http.access import may
from webapp.http.context import actor, services
from webapp.services.desktops.capacity import ClusterView
from webapp.web.admin.blueprint import blueprint
from webapp.web.fragments import fragment
from webapp.web.language import _
from webapp.web.texts.refusals import sentence_of

POLL_SECONDS = 5


@blueprint.get("/nodes/")
@may(Action.NODE_SEE)
def nodes() -> ResponseReturnValue:
    """Show the page."""
    return render_template("admin/nodes.html", poll_seconds=POLL_SECONDS, cluster=_cluster())


@blueprint.get("/nodes/live")
@may(Action.NODE_SEE)
def nodes_live() -> ResponseReturnValue:
    """Return the part of the page that updates live."""
    return fragment("admin/_nodes.html", POLL_SECONDS, cluster=_cluster())


@blueprint.post("/nodes/<name>/drain")
@may(Action.NODE_MANAGE)
def drain_node(name: str) -> ResponseReturnValue:
    """Stop placing new desktops on the node."""
    return _set_enabled(
        name, False, _("%(node)s takes no new desktops; those that run stay.", node=name)
    )


@blueprint.post("/nodes/<name>/use")
@may(Action.NODE_MANAGE)
def use_node(name: str) -> ResponseReturnValue:
    """Place new desktops on the node again."""
    return _set_enabled(name, True, _("%(node)s takes new desktops again.", node=name))


def _set_enabled(name: str, enabled: bool, done: str) -> ResponseReturnValue:
    try:
        services().capacity.set_enabled(actor(), name, enabled)
    except NotFound as error:
        flash(sentence_of(error), "bad")
    else:
        flash(done, "good")
    return redirect(url_for("admin.nodes"), 303)


def _cluster() -> ClusterView:
    return services().capacity.view()
