"""If-Match: a client may name the version that it wants to change."""

from flask import request

from webapp.api.framework.problem import Problem


def wanted_version() -> int | None:
    """Return the version that the request requires, None for any.

    Raises Problem: precondition-failed.
    """
    tags = request.if_match
    if "If-Match" not in request.headers or tags.star_tag:
        return None
    texts = [tag or "" for tag in tags.as_set()]  # werkzeug returns an empty tag as None
    versions = [text for text in texts if text.isascii() and text.isdigit() and len(text) < 10]
    if len(versions) != 1:
        raise Problem("precondition-failed")
    return int(versions[0])
