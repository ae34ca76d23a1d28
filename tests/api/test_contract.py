"""The document is true: schemathesis sends to a real server what it allows and what it forbids."""

import json
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from tests.api.server import Served, serving
from webapp.api import setup
from webapp.api.document import document
from webapp.api.framework.base_paths import OLDER, V1

#: Values that the schema allows and the server refuses, because no schema can exclude them:
#: parameters, members.
BEYOND_SCHEMAS = {
    "/template",  # must exist
    "/duration_minutes",  # the same
    "/minutes",  # within the template's longest time
    "/rdp_username",  # system accounts are refused
    "/expires_at",  # in the future
    "/name",  # not taken
    "cursor",  # the server must have made it
    "status",  # known states
}
#: Headers whose refusal depends on earlier requests.
OF_HISTORY = {"If-Match": 412, "Idempotency-Key": 422}
HEAD_TOO_LARGE = 431
MOST = settings.default.max_examples // 10

#: Wrong keys are limited per address, so trying them with every operation ends in 429; the access
#: matrix tests who may call what.
NOT_HERE = [ignored_auth]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


assert setup.RESOURCES  # importing them declares what the document contains
#: The test sends keys itself. The API accepts NUL in no text, which no schema can express for all.
CONFIG = SchemathesisConfig.from_dict(
    {"generation": {"with-security-parameters": False, "allow-x00": False}}
)


def schema_of(base: str) -> schemathesis.schemas.BaseSchema:
    text = document("http://127.0.0.1:8080", "http://127.0.0.1:8081", base)
    return schemathesis.openapi.from_dict(json.loads(text), config=CONFIG)


#: Event streams do not end; tests/gateway/events/test_access.py tests them.
schema = schema_of(V1).exclude(tag="events")
older_schema = schema_of(OLDER)


@schema.parametrize()
@settings(max_examples=MOST, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_document_is_true(case: schemathesis.Case, served: Served) -> None:
    check(case, served, V1)


@older_schema.parametrize()
@settings(max_examples=MOST, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_document_of_the_older_paths_is_true(case: schemathesis.Case, served: Served) -> None:
    check(case, served, OLDER)


def check(case: schemathesis.Case, served: Served, base: str) -> None:
    key = {"X-API-Key": served.admin_key}
    response = case.call(base_url=served.url + base, headers=key)
    if response.status_code == HEAD_TOO_LARGE:  # the web server's answer, not the API's
        return
    excluded = [*NOT_HERE]
    if is_beyond_schemas(case, response):
        excluded.append(positive_data_acceptance)
    if case.path == "/health" and response.status_code == 503:  # no worker runs here
        excluded += [not_a_server_error, positive_data_acceptance]
    case.validate_response(response, headers=key, excluded_checks=excluded)


def is_beyond_schemas(case: schemathesis.Case, response: schemathesis.Response) -> bool:
    if any(
        name in case.headers and response.status_code == status
        for name, status in OF_HISTORY.items()
    ):
        return True
    if response.status_code != 422:
        return False
    errors = response.json().get("errors", [])
    return (
        bool(errors) and (errors[0].get("pointer") or errors[0].get("parameter")) in BEYOND_SCHEMAS
    )
