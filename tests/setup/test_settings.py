"""A wrong setting of the demo is reported with its valid values; right ones reach the stack."""

import pytest

from setup.failure import SetupFailed
from setup.settings import BENCH, CHECKOUT, settings_from


def test_defaults_live_below_the_checkout_on_loopback() -> None:
    demo = settings_from({})
    assert demo.folder == CHECKOUT / "var/demo"
    assert demo.url == "http://127.0.0.1:8080"
    assert demo.vmids == (30001, 30999)


def test_two_stacks_share_no_name() -> None:
    demo, bench = settings_from({}), settings_from({}, "WINUX_BENCH_", BENCH)
    names = ("folder", "port", "gateway_port", "lab_port", "bridge", "subnet")
    assert [name for name in names if getattr(demo, name) == getattr(bench, name)] == []


def test_settings_come_from_the_environment() -> None:
    demo = settings_from({"WINUX_DEMO_PORT": "9000", "WINUX_DEMO_DIR": "/tmp/elsewhere"})
    assert demo.port == 9000
    assert str(demo.folder) == "/tmp/elsewhere"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "eighty"),
        ("LAB_PORT", "70000"),
        ("BRIDGE", "wx-br"),
        ("BRIDGE", "muchtoolong"),
        ("SUBNET", "8.8.8.0/24"),
        ("SUBNET", "10.0.0.1/24"),
        ("SUBNET", "10.0.0.0/28"),
        ("VMIDS", "30001"),
        ("VMIDS", "30999-30001"),
        ("VMIDS", "1-99"),
    ],
)
def test_a_wrong_value_is_named_with_its_setting(name: str, value: str) -> None:
    with pytest.raises(SetupFailed) as failure:
        settings_from({f"WINUX_DEMO_{name}": value})
    assert f"WINUX_DEMO_{name} is '{value}'" in str(failure.value)
    assert "It must be" in str(failure.value)
