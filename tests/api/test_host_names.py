"""The API's `fqdn`: a desktop's own name with a domain for desktops, missing without one."""

from dataclasses import replace

import pytest

from tests.api.conftest import MakeProgram, Program
from webapp.app import create_app
from webapp.bootstrap import Services, build_services
from webapp.services.audit.record import Actor


@pytest.fixture
def named(services: Services, alice: Actor) -> Program:
    """A program at the same portal, with a domain."""
    config = replace(services.config, desktop_domain="desks.example.org")
    key = services.keys.make(alice, "named", ["launch"]).text
    return Program(create_app(build_services(config, clock=services.clock)), key)


def test_without_a_domain_no_answer_has_a_name(
    program: MakeProgram, alice: Actor, ready: str
) -> None:
    caller = program(alice)
    [listed] = caller.get("/sessions").json["sessions"]
    answers = [
        listed,
        caller.get(f"/sessions/{ready}").json,
        caller.post(f"/sessions/{ready}/credentials").json,
        caller.post("/sessions", {"reuse": True}).json,
    ]
    assert ["fqdn" in answer for answer in answers] == [False] * 4
    assert {answer["address"] for answer in answers} == {"10.203.0.64"}


def test_with_a_domain_every_answer_has_the_name_beside_the_address(
    named: Program, ready: str
) -> None:
    [listed] = named.get("/sessions").json["sessions"]
    answers = [
        listed,
        named.get(f"/sessions/{ready}").json,
        named.post(f"/sessions/{ready}/credentials").json,
        named.post("/sessions", {"reuse": True}).json,
    ]
    assert {answer["fqdn"] for answer in answers} == {f"{ready}.desks.example.org"}
    assert {answer["address"] for answer in answers} == {"10.203.0.64"}
    file = named.get(f"/sessions/{ready}/rdp-file")
    assert f"full address:s:{ready}.desks.example.org:3389\r\n" in file.text


def test_a_desktop_has_its_name_from_the_launch_on(named: Program, xfce: str) -> None:
    made = named.post("/sessions").json
    assert made["status"] == "queued"
    assert made["fqdn"] == f"{made['session_sub']}.desks.example.org"
