"""Wrong settings stop the start and say how to mend them."""

from pathlib import Path

import pytest

from tests.portal import make_environment
from webapp.config import SETTINGS, BadConfig, load


def test_a_full_environment_is_read(tmp_path: Path) -> None:
    config = load(make_environment(tmp_path))
    assert (config.vmids[0], config.vmids[-1]) == (30001, 30999)
    assert str(config.addresses.gateway) == "10.203.0.1"
    assert not config.is_https


@pytest.mark.parametrize("name", [name for name, default in SETTINGS.items() if default is None])
def test_a_missing_setting_is_named(tmp_path: Path, name: str) -> None:
    environment = make_environment(tmp_path)
    del environment[name]
    with pytest.raises(BadConfig, match=f"{name} is not set"):
        load(environment)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("WINUX_SECRET_KEY", "short", "at least 32 characters"),
        ("WINUX_ENCRYPTION_KEY", "not a key", "32 random bytes"),
        ("WINUX_PORTAL_ID", "a b", "1 to 32 small letters"),
        ("WINUX_PORTAL_ID", "Site_1", "1 to 32 small letters"),
        ("WINUX_PUBLIC_URL", "desktops.example.org", "scheme and host"),
        ("WINUX_PUBLIC_URL", "https://a.example/path", "scheme and host"),
        ("WINUX_DATABASE_URL", "mysql://x", "must begin with sqlite"),
        ("WINUX_VMID_LAST", "30000", "a number from 30001"),
        ("WINUX_WORKER_SLOTS", "many", "a number from 1 to 32"),
        ("WINUX_WORKER_SLOTS", "٣", "a number from 1 to 32"),
        ("WINUX_NETWORK", "10.203.0.1/24", "not a network"),
        ("WINUX_NETWORK", "10.203.0.0/30", "too small"),
        ("WINUX_ADDRESS_FIRST", "10.9.9.9", "not a range inside"),
        ("WINUX_ADDRESS_FIRST", "first", "not an IPv4 address"),
        ("WINUX_GATEWAY", "10.203.0.70", "inside the range of the desktops"),
        ("proxmox_api_port", "0", "a number from 1 to 65535"),
        ("proxmox_ca_file", "/nowhere/ca.pem", "not a file"),
    ],
)
def test_a_wrong_value_says_what_it_takes(tmp_path: Path, name: str, value: str, says: str) -> None:
    with pytest.raises(BadConfig, match=says) as wrong:
        load(make_environment(tmp_path, **{name: value}))
    assert name in str(wrong.value) or "WINUX_ADDRESS" in str(wrong.value)


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("a secret key that lies in a file of its own\n")
    environment = make_environment(tmp_path, WINUX_SECRET_KEY_FILE=str(file))
    assert load(environment).secret_key == "a secret key that lies in a file of its own"
    file.unlink()
    with pytest.raises(BadConfig, match=r"WINUX_SECRET_KEY_FILE names .* cannot be read"):
        load(environment)
