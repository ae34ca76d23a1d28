"""If-Match: whoever changes a thing may say which version of it they saw."""

from flask import request

from webapp.api.framework.problem import Problem


def wanted_version() -> int | None:
    """The version that the request insists on; None: any. Raises Problem: precondition-failed."""
    tags = request.if_match
    if "If-Match" not in request.headers or tags.star_tag:
        return None
    texts = [tag or "" for tag in tags.as_set()]  # an empty one comes as None
    versions = [text for text in texts if text.isascii() and text.isdigit() and len(text) < 10]
    if len(versions) != 1:
        raise Problem("precondition-failed")
    return int(versions[0])
