"""create_app: joins pages and API into one Flask application around the services it is given."""

from flask import Flask
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined

from webapp.api.framework import problem
from webapp.api.setup import init_api
from webapp.bootstrap import Services
from webapp.config import ROOT
from webapp.http.access import init_access
from webapp.http.context import init_context
from webapp.http.request_log import init_request_log
from webapp.http.security import init_security
from webapp.web import admin, api_reference, app_manifest, errors, health, metrics, theme, vendor
from webapp.web.assets import init_assets
from webapp.web.desktop_viewer import routes as connect
from webapp.web.desktops import history, home
from webapp.web.desktops import routes as desktops
from webapp.web.language import init_language
from webapp.web.people import account, keys, signin
from webapp.web.template_context import init_template_context
from webapp.web.words import init_words


def create_app(services: Services) -> Flask:
    """The web application; it holds no state but `services`."""
    app = Flask("webapp", template_folder=ROOT / "templates", static_folder=None)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined}
    init_request_log(app)
    init_security(app, services.config)
    init_language(app)
    init_context(app, services)
    init_template_context(app)
    init_access(app, signin.ask_to_sign_in)
    init_assets(app)
    init_words(app)
    app.register_error_handler(Exception, _answer_error)
    parts = (
        health,
        metrics,
        signin,
        theme,
        app_manifest,
        home,
        history,
        desktops,
        connect,
        vendor,
        account,
        api_reference,
        keys,
        admin,
    )
    for part in parts:
        app.register_blueprint(part.blueprint)
    init_api(app, services.config)
    return app


def _answer_error(error: Exception) -> ResponseReturnValue:
    """Programs get problem details, people a page."""
    if problem.is_for_program():
        return problem.respond(problem.problem_of(error))
    return errors.show(error)
