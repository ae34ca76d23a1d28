"""If-Match: whoever changes a thing may say which version of it they saw."""

from flask import request

from webapp.api.problem import Problem


def wanted_version() -> int | None:
    """The version that the request insists on; None: any. Raises Problem: precondition-failed."""
    tags = request.if_match
    if "If-Match" not in request.headers or tags.star_tag:
        return None
    versions = [tag for tag in tags.as_set() if tag.isascii() and tag.isdigit() and len(tag) < 10]
    if len(versions) != 1:
        raise Problem("precondition-failed")
    return int(versions[0])
