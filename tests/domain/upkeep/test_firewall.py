"""Whether desktops are isolated from each other, derived from the firewall settings."""

import pytest

from webapp.domain.upkeep import firewall
from webapp.domain.upkeep.firewall import GuestFirewall
from webapp.domain.upkeep.health import Health

CLOSED = {"card": True, "switch": True, "ipfilter": True, "drops": True, "opens": False}


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        ({"card": False}, "firewall=1"),
        ({"switch": False}, "own firewall is off"),
        ({"ipfilter": False}, "ipfilter"),
        ({"drops": False}, "input policy"),
        ({"opens": True}, "lets everybody in"),
    ],
)
def test_each_gap_is_not_isolated_by_itself(gap: dict[str, bool], words: str) -> None:
    found = GuestFirewall(**CLOSED | gap)
    for sign in (
        firewall.judge_template("firewall of template xfce", 29001, found),
        firewall.judge_desktops({30001: GuestFirewall(**CLOSED), 30002: found}),
    ):
        assert sign.health is Health.WARN
        assert sign.text.startswith("Not isolated")
        assert words in sign.text
        assert "template-build.yml" in sign.cure


def test_without_a_gap_all_is_well() -> None:
    closed = GuestFirewall(**CLOSED)
    assert firewall.judge_template("x", 29001, closed).health is Health.GOOD
    assert firewall.judge_desktops({30001: closed}).health is Health.GOOD


def test_one_desktop_that_could_not_be_looked_at_makes_it_unknown() -> None:
    sign = firewall.judge_desktops({30001: GuestFirewall(**CLOSED), 30002: None})
    assert (sign.health, "30002" in sign.text) == (Health.UNKNOWN, True)


def test_switches_and_trials() -> None:
    assert firewall.judge_cluster(True).health is Health.GOOD
    assert firewall.judge_cluster(False).text.startswith("Not isolated")
    assert firewall.judge_service("x", "pve1", "pve-firewall", "running").health is Health.GOOD
    stopped = firewall.judge_service("x", "pve1", "pve-firewall", "dead")
    assert (stopped.health, "enable --now pve-firewall" in stopped.cure) == (Health.WARN, True)
    assert firewall.judge_trial("a", "b", (22, 3389), []).health is Health.GOOD
    open_ = firewall.judge_trial("a", "b", (22, 3389), [3389])
    assert (open_.health, "a reaches port 3389 of b" in open_.text) == (Health.WARN, True)
    assert firewall.judge_no_trial("nobody is there.").health is Health.UNKNOWN
