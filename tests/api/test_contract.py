"""The document is true: schemathesis calls every operation of a real server with what it allows,
and with what it does not."""

import json
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from tests.api.server import Served, serving
from webapp.api import setup
from webapp.api.document import document

#: What no schema can say, so that it is refused although the schema allows it: parameters, members.
BEYOND_SCHEMAS = {
    "/template",  # must exist
    "/minutes",  # within the template's longest time
    "/rdp_username",  # no account of the system
    "/expires_at",  # in the future
    "/name",  # not taken
    "cursor",  # was made by the server
    "status",  # known states
}
#: Headers that refuse by what was there before.
OF_HISTORY = {"If-Match": 412, "Idempotency-Key": 422}
HEAD_TOO_LARGE = 431
MOST = settings.default.max_examples // 10

#: Wrong keys are limited per address, so trying them with every operation ends in 429; who may call
#: what is the access matrix's to prove.
NOT_HERE = [ignored_auth]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


assert setup.RESOURCES  # imported, they declare what the document tells
#: Keys are sent by the test; NUL is in no text that the API takes, which no schema can say for all.
CONFIG = SchemathesisConfig.from_dict(
    {"generation": {"with-security-parameters": False, "allow-x00": False}}
)
schema = schemathesis.openapi.from_dict(
    json.loads(document("http://127.0.0.1:8080", "http://127.0.0.1:8081")), config=CONFIG
).exclude(tag="events")  # they do not end; tests/gateway/events/test_access.py has them


@schema.parametrize()
@settings(max_examples=MOST, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_document_is_true(case: schemathesis.Case, served: Served) -> None:
    key = {"X-API-Key": served.admin_key}
    response = case.call(base_url=f"{served.url}/api/v1", headers=key)
    if response.status_code == HEAD_TOO_LARGE:  # the web server's answer, not the API's
        return
    excluded = [*NOT_HERE]
    if is_beyond_schemas(case, response):
        excluded.append(positive_data_acceptance)
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
