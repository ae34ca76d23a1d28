"""For monitors and load balancers: is this process alive, and can the portal do its work?"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from webapp.domain.errors import OutsideFailed
from webapp.http.access import anyone
from webapp.http.context import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@anyone
def alive() -> ResponseReturnValue:
    """200 while this process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@anyone
def ready() -> ResponseReturnValue:
    """200 when a launch can work; else 503 and, for each part, what is wrong and the cure."""
    try:
        troubles = services().reports.readiness().troubles
    except OutsideFailed as failure:
        troubles = {"database": str(failure)}
    if full := services().db.trouble():
        troubles["database"] = full
    status = "trouble" if troubles else "ok"
    return jsonify(status=status, troubles=troubles), 503 if troubles else 200
