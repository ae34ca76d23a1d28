"""Adds the API to an application: its resources, CSRF exemption and CORS."""

from typing import cast

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from webapp.api import about
from webapp.api.desktops import routes as sessions
from webapp.api.framework.cors import init_cors
from webapp.api.framework.operation import BLUEPRINTS
from webapp.api.older import routes as older
from webapp.api.people import routes as people
from webapp.api.site import routes as site
from webapp.config import Config

#: Importing a resource declares its operations.
RESOURCES = (sessions, site, people, about, older)


def init_api(app: Flask, config: Config) -> None:
    """Serve `/api/v1` and `/api/winux`. Call this after the set-up that pages and API share."""
    # The API checks the CSRF token itself, only for callers with a cookie and no key.
    for blueprint in BLUEPRINTS.values():
        cast(CSRFProtect, app.extensions["csrf"]).exempt(blueprint)
        app.register_blueprint(blueprint)
    init_cors(app, config)
