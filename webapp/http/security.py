"""Security headers, and the settings of the session cookie."""

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.config import Config
from webapp.http.forgery import FormProtection
from webapp.http.source import CanonicalSource

#: Far above the size of any form of the portal.
MAX_FORM_BYTES = 64 * 1024


def content_security_policy(
    *, script_src: str = "'self'", connect_src: str = "'self'", img_src: str = "'self'"
) -> str:
    """Return the policy of a page; all pages but the desktop viewer use the defaults."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {script_src}",
            "style-src 'self'",
            f"img-src {img_src}",
            f"connect-src {connect_src}",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


HEADERS = {
    "Content-Security-Policy": content_security_policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TWO_YEARS = 2 * 365 * 24 * 3600
#: Sent over HTTPS only: over plain HTTP browsers ignore them and log a warning.
HTTPS_HEADERS = {
    "Strict-Transport-Security": f"max-age={TWO_YEARS}; includeSubDomains",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def init_security(app: Flask, config: Config) -> None:
    """Set up cookies, CSRF protection, size limits, security headers and trusted proxies."""
    app.config.update(
        SECRET_KEY=config.secret_key,
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        MAX_FORM_PARTS=400,
        SESSION_COOKIE_NAME=config.cookie_name,
        SESSION_COOKIE_SECURE=config.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_SSL_STRICT=False,  # FormProtection checks the origin
        WTF_CSRF_TIME_LIMIT=None,  # as long as the sign-in; a page left open must still work
    )
    FormProtection(config).init_app(app)
    count = config.trusted_proxies
    inner = ProxyFix(app.wsgi_app, x_for=0, x_proto=count, x_host=count)
    app.wsgi_app = CanonicalSource(inner, count)  # type: ignore[method-assign]  # Flask's way
    headers = HEADERS | (HTTPS_HEADERS if config.is_https else {})

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response
