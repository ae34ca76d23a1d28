"""The API's document, to read and to try with one's own sign-in."""

from flask import Blueprint, Response, make_response, render_template

from webapp.http.access import signed_in
from webapp.http.security import content_security_policy
from webapp.web.vendor import vendor_url

blueprint = Blueprint("api_reference", __name__, url_prefix="/api-reference")


@blueprint.get("/")
@signed_in
def show() -> Response:
    """The page."""
    page = render_template(
        "api_reference.html",
        script_url=vendor_url("swagger-ui.js"),
        style_url=vendor_url("swagger-ui.css"),
    )
    response = make_response(page)
    # Its style sheet carries its few icons as text.
    response.headers["Content-Security-Policy"] = content_security_policy(img_src="'self' data:")
    return response
