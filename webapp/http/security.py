"""What the browser is told to refuse, and the settings of the cookie that says who asks."""

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.config import Config
from webapp.http.forgery import FormProtection
from webapp.http.source import CanonicalSource

#: No form of the portal comes near this size.
MAX_FORM_BYTES = 64 * 1024


def content_security_policy(
    *, script_src: str = "'self'", connect_src: str = "'self'", img_src: str = "'self'"
) -> str:
    """The policy of a page; every page has the defaults but the desktop in the browser."""
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
#: Browsers ignore these on plain http, and complain.
HTTPS_HEADERS = {
    "Strict-Transport-Security": f"max-age={TWO_YEARS}; includeSubDomains",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def init_security(app: Flask, config: Config) -> None:
    """Cookies, CSRF, size limits, headers, and proxies as far as they are trusted."""
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
        WTF_CSRF_SSL_STRICT=False,  # FormProtection looks where a form comes from
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
