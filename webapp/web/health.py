"""Health checks for monitors and load balancers: liveness and readiness."""

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
    """Return 200 as long as this process responds."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@anyone
def ready() -> ResponseReturnValue:
    """Return 200 if a launch can work, otherwise 503 and each part in trouble.

    Only callers who `may_see_troubles` get the details, which name machines and paths.
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
