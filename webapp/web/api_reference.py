"""The API reference, where signed-in people can also try requests."""

from flask import Blueprint, Response, make_response, render_template

from webapp.http.access import signed_in
from webapp.http.security import content_security_policy
from webapp.web.vendor import vendor_url

blueprint = Blueprint("api_reference", __name__, url_prefix="/api-reference")


@blueprint.get("/")
@signed_in
def show() -> Response:
    """Show the page."""
    page = render_template(
        "api_reference.html",
        script_url=vendor_url("swagger-ui.js"),
        style_url=vendor_url("swagger-ui.css"),
    )
    response = make_response(page)
    # Swagger UI's style sheet contains icons as data: URLs.
    response.headers["Content-Security-Policy"] = content_security_policy(img_src="'self' data:")
    return response
