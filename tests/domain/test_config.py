"""Wrong settings prevent the start, with a message that says how to fix them."""

from pathlib import Path

import pytest

from tests.portal import make_environment
from webapp.config import ROOT, load
from webapp.settings.reader import BadConfig
from webapp.settings.table import SECRETS, SETTINGS


def test_a_full_environment_is_read(tmp_path: Path) -> None:
    config = load(make_environment(tmp_path))
    assert (config.vmids[0], config.vmids[-1]) == (30001, 30999)
    assert str(config.addresses.router) == "10.203.0.1"
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
        ("WINUX_PUBLIC_URL", "https://desktops example.org", "a space"),
        ("WINUX_PUBLIC_URL", "https://u:p@desktops.example.org", "user name or password"),
        ("WINUX_PUBLIC_URL", "https://desktops.example.org:99999", "port is not a number"),
        ("WINUX_PUBLIC_URL", "https://desktops.example.org:0", "port is not a number"),
        ("WINUX_PUBLIC_URL", "https://desktops.example.org:port", "port is not a number"),
        ("WINUX_PUBLIC_URL", "https://a..example.org", "not the name or address of a host"),
        ("WINUX_PUBLIC_URL", "https://desktops.example.org?x", "scheme and host"),
        ("WINUX_PUBLIC_URL", "https://stra\u00dfe.example.org", "xn--"),
        ("WINUX_PUBLIC_URL", "https://10.1.1", "not an IPv4 address"),
        ("WINUX_PUBLIC_URL", "https://[fe80::1%eth0]", "host is damaged|a zone"),
        ("WINUX_PUBLIC_URL", "https://[::1", "host is damaged"),
        ("WINUX_PUBLIC_URL", "https://desktops\u200b.example.org", "invisible character"),
        ("WINUX_EVENTS_URL", "https://events.example.org/x", "without a path"),
        ("WINUX_GATEWAY_URL", "wss://u@gate.example.org/gateway/rdp", "user name or password"),
        ("WINUX_API_ORIGINS", "https://a.example/path", "an origin is"),
        ("WINUX_DATABASE_URL", "mysql://x", "must begin with sqlite"),
        ("WINUX_DATABASE_URL", "sqlite:///winux.db", "absolute path"),
        ("WINUX_DATABASE_URL", "sqlite:///", "absolute path"),
        ("WINUX_DATABASE_URL", "sqlite:///:memory:", "absolute path"),
        ("WINUX_DATABASE_URL", "sqlite:////var/lib/winux/", "absolute path"),
        ("WINUX_SECRET_KEY", "'a secret key in quotation marks of a shell'", "quotation marks"),
        ("WINUX_SECRET_KEY", "a secret key that has a second\nline in it", "line break"),
        ("WINUX_DESKTOP_DOMAIN", "*.desks.example.org", "the DNS name of a domain"),
        ("WINUX_DESKTOP_DOMAIN", "10.203.0.1", "the DNS name of a domain"),
        ("WINUX_METRICS_TOKEN", "a token with spaces", "letters, digits and signs"),
        ("proxmox_api_host", "https://pve1.example.org", "name or an address alone"),
        ("proxmox_api_host", "pve1.example.org:8006", "name or an address alone"),
        ("proxmox_api_user", "winux@pve!portal", "a user with its realm"),
        ("proxmox_api_user", "winux", "a user with its realm"),
        ("proxmox_api_token_id", "winux@pve!portal", "the token's name alone: 'portal'"),
        ("proxmox_api_token_secret", "pa\u00dfwort-with-letters", "letters, digits and -"),
        ("proxmox_node", "pve1/", "a name as Proxmox VE shows it"),
        ("proxmox_storage", "local lvm", "a name as Proxmox VE shows it"),
        ("WINUX_VMID_LAST", "30000", "a number from 30001"),
        ("WINUX_WORKER_SLOTS", "many", "a number from 1 to 32"),
        ("WINUX_WORKER_SLOTS", "٣", "a number from 1 to 32"),
        ("WINUX_NETWORK", "10.203.0.1/24", "not a network"),
        ("WINUX_NETWORK", "10.203.0.0/30", "too small"),
        ("WINUX_ADDRESS_FIRST", "10.9.9.9", "not a range inside"),
        ("WINUX_ADDRESS_FIRST", "first", "not an IPv4 address"),
        ("WINUX_ROUTER", "10.203.0.70", "inside the range of the desktops"),
        ("proxmox_api_port", "0", "a number from 1 to 65535"),
        ("proxmox_ca_file", "/nowhere/ca.pem", "not a file"),
    ],
)
def test_a_wrong_value_says_what_it_takes(tmp_path: Path, name: str, value: str, says: str) -> None:
    with pytest.raises(BadConfig, match=says) as wrong:
        load(make_environment(tmp_path, **{name: value}))
    assert name in str(wrong.value) or "WINUX_ADDRESS" in str(wrong.value)


def test_the_domain_of_the_desktops_is_kept_in_one_form(tmp_path: Path) -> None:
    assert load(make_environment(tmp_path)).desktop_domain == ""
    environment = make_environment(tmp_path, WINUX_DESKTOP_DOMAIN="Desks.Example.org.")
    assert load(environment).desktop_domain == "desks.example.org"


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("a secret key that lies in a file of its own\n")
    environment = make_environment(tmp_path, WINUX_SECRET_KEY_FILE=str(file))
    assert load(environment).secret_key == "a secret key that lies in a file of its own"
    file.unlink()
    with pytest.raises(BadConfig, match=r"WINUX_SECRET_KEY_FILE names .* cannot be read"):
        load(environment)


@pytest.mark.parametrize(
    ("pasted", "sent"),
    [
        ("https://Desktops.Example.org", "https://desktops.example.org"),
        ("https://desktops.example.org:443", "https://desktops.example.org"),
        ("http://desktops.example.org:80", "http://desktops.example.org"),
        ("https://desktops.example.org:8443/", "https://desktops.example.org:8443"),
        ("HTTPS://desktops.example.org", "https://desktops.example.org"),
        ("https://b\u00fcro.example.org", "https://xn--bro-hoa.example.org"),
        ("https://[2001:DB8:0:0::1]:443/", "https://[2001:db8::1]"),
        ("\ufeffhttps://desktops.example.org\r\n", "https://desktops.example.org"),
    ],
)
def test_the_public_address_is_kept_as_browsers_send_it(
    tmp_path: Path, pasted: str, sent: str
) -> None:
    config = load(make_environment(tmp_path, WINUX_PUBLIC_URL=pasted, WINUX_API_ORIGINS=pasted))
    assert config.public_url == sent
    assert config.api_origins == {sent}
    assert config.is_https == sent.startswith("https:")


@pytest.mark.parametrize("content", ["\ufeff{}", "{}\r\n", " {}\n\n", "\ufeff{}\r\n"])
def test_what_editors_add_to_a_secrets_file_is_dropped(tmp_path: Path, content: str) -> None:
    environment = make_environment(tmp_path)
    for name in sorted(SECRETS):
        value = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="
        (tmp_path / name).write_bytes(content.format(value).encode())
        environment |= {f"{name}_FILE": str(tmp_path / name)}
    config = load(environment)
    assert {config.secret_key, config.encryption_key, config.metrics_token} == {value}
    assert config.proxmox.token_secret == value


def test_an_empty_secrets_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\ufeff\r\n")
    environment = make_environment(tmp_path, WINUX_METRICS_TOKEN_FILE=str(tmp_path / "token"))
    with pytest.raises(BadConfig, match="which is empty"):
        load(environment)


def test_paths_do_not_depend_on_the_folder_a_process_starts_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load(make_environment(tmp_path, WINUX_INVENTORY="inventory/example"))
    assert config.inventory == ROOT / "inventory" / "example"


def test_an_ipv6_node_may_have_its_brackets(tmp_path: Path) -> None:
    environment = make_environment(tmp_path, proxmox_api_host="[2001:DB8::5]")
    assert load(environment).proxmox.host == "2001:db8::5"
