"""CORS: only pages of the configured origins may use the API, and only with a key."""

from flask import Flask, Response, request

from webapp.api.framework.problem import is_for_program
from webapp.config import Config

METHODS = "GET, POST, PUT, PATCH, DELETE"
HEADERS = "X-API-Key, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
TOLD = "Location, ETag, Link, Retry-After, X-Request-ID, Idempotent-Replayed"


def init_cors(app: Flask, config: Config) -> None:
    """Let scripts of the configured origins read responses, without cookies."""
    if not config.api_origins:
        return

    @app.after_request
    def allow(response: Response) -> Response:
        if not is_for_program():
            return response
        response.headers.add("Vary", "Origin")
        if (origin := request.headers.get("Origin", "")) in config.api_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = TOLD
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = METHODS
                response.headers["Access-Control-Allow-Headers"] = HEADERS
                response.headers["Access-Control-Max-Age"] = "600"
        return response
