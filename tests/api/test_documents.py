"""docs/api describes what the code does."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.conftest import Program
from webapp.api.framework.base_paths import OLDER, V1
from webapp.config import ROOT
from webapp.domain.problems import KINDS


def test_every_kind_of_problem_is_documented() -> None:
    text = (ROOT / "docs/api/problems.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (.*?) \| (.*) \|$", text, re.MULTILINE)
    told = {slug: (int(status), title, meaning) for slug, status, title, meaning in rows}
    assert told == {slug: (one.status, one.title, one.meaning) for slug, one in KINDS.items()}


@pytest.mark.parametrize(("base", "least"), [(V1, 8), (OLDER, 2)])
def test_the_examples_of_the_document_are_as_its_schemas_say(
    nobody: Program, base: str, least: int
) -> None:
    document = nobody.get(f"{base}/openapi.json").json
    assert document["openapi"] == "3.1.0"
    found = 0
    for content in contents(document["paths"]):
        if "example" in content:
            schema = {**content["schema"], "components": document["components"]}
            Draft202012Validator(schema).validate(json.loads(json.dumps(content["example"])))
            found += 1
    assert found >= least


@pytest.mark.parametrize("base", [V1, OLDER])
def test_what_needs_a_key_says_so_and_by_what_scope(nobody: Program, base: str) -> None:
    for path, methods in nobody.get(f"{base}/openapi.json").json["paths"].items():
        for method, one in methods.items():
            if "key" not in str(one["security"]):
                assert path in {"/openapi.json", "/problems/{slug}", "/status", "/health"}, (
                    method,
                    path,
                )
            else:
                assert one["x-scope"] in {"read", "launch", "admin"}
                everywhere = {"401"} if one["tags"] == ["events"] else {"401", "403"}
                assert everywhere <= set(one["responses"])


def contents(value: Any) -> Iterator[dict[str, Any]]:
    """Yield everything that has a schema, at any depth."""
    if isinstance(value, dict):
        if "schema" in value:
            yield value
        for one in value.values():
            yield from contents(one)
