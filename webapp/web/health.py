"""For monitors and load balancers: is this process alive, and can the portal do its work?"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from webapp.domain.errors import OutsideFailed
from webapp.http.access import anyone
from webapp.http.context import services
from webapp.http.monitor import may_see_troubles

blueprint = Blueprint("health", __name__)

NOT_SHOWN = "Administrators see why: sign in, ask on the portal's own machine, or show the token."


@blueprint.get("/healthz")
@anyone
def alive() -> ResponseReturnValue:
    """200 while this process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@anyone
def ready() -> ResponseReturnValue:
    """200 when a launch can work; else 503 and each part that is in trouble.

    What is wrong and the cure name machines and paths, so not everybody reads them.
    """
    try:
        troubles = services().reports.readiness().troubles
    except OutsideFailed as failure:
        troubles = {"database": str(failure)}
    if full := services().db.trouble():
        troubles["database"] = full
    if not may_see_troubles():
        troubles = dict.fromkeys(troubles, NOT_SHOWN)
    status = "trouble" if troubles else "ok"
    return jsonify(status=status, troubles=troubles), 503 if troubles else 200
