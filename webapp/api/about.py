"""The API about itself: its OpenAPI document, its kinds of problems, and the site's status."""

from typing import Annotated

from flask import Response
from msgspec import Meta

from webapp.api.framework.answer import CONTENT_TYPE, Answer
from webapp.api.framework.operation import Reply, operation
from webapp.api.framework.problem import Problem, type_url
from webapp.api.framework.schema import ResponseBody
from webapp.domain.problems import KINDS
from webapp.http.context import services

TAG = "site"
Slug = Annotated[str, Meta(pattern="^[a-z-]{3,40}$", examples=["limit-reached"])]


class Status(ResponseBody):
    """Whether launches can work."""

    status: str
    """`ok` or `trouble`."""
    troubles: dict[str, str]
    """Each part in trouble: what is wrong, and the remedy."""


class ProblemKind(ResponseBody):
    """A kind of problem."""

    type: str
    title: str
    status: int
    meaning: str


@operation(
    "GET",
    "/openapi.json",
    tag=TAG,
    action=None,
    answers={200: Reply(None, "OpenAPI 3.1.", is_any_json=True)},
)
def get_document() -> Response:
    """Get this document."""
    from webapp.api.document import document  # imported late: it imports this module

    config = services().config
    return Response(document(config.public_url, config.events_url), content_type=CONTENT_TYPE)


@operation(
    "GET",
    "/problems/{slug}",
    tag=TAG,
    action=None,
    answers={200: Reply(ProblemKind, "The kind of problem.")},
    problems=("not-found",),
)
def get_problem_kind(slug: Slug) -> Answer:
    """Read what a kind of problem means; the `type` of every problem links here."""
    kind = KINDS.get(slug)
    if kind is None:
        raise Problem("not-found")
    return Answer(
        ProblemKind(type=type_url(slug), title=kind.title, status=kind.status, meaning=kind.meaning)
    )


@operation(
    "GET",
    "/status",
    tag=TAG,
    action=None,
    answers={
        200: Reply(Status, "Whether it is.", example={"status": "ok", "troubles": {}}),
    },
)
def get_status() -> Answer:
    """Ask whether the site can launch desktops, and what is wrong where it cannot."""
    troubles = services().reports.readiness().troubles
    return Answer(Status(status="trouble" if troubles else "ok", troubles=troubles))
