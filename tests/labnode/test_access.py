"""Access rights: tokens, tickets, and the rights of the two tokens from the first start."""

from __future__ import annotations

import stat
import urllib.parse
from collections.abc import Callable

import pytest

from tests.labnode.server import Client, LabNode

TOKEN = "PVEAPIToken="
WRONG = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "No ticket"),
        ("Bearer abc", "No ticket"),
        (f"{TOKEN}garbage", "no tokenid specified"),
        (f"{TOKEN}winux@pve!portal={WRONG}", "invalid token value!"),
        (f"{TOKEN}winux@pve!portal=short", "invalid token value!"),
        (f"{TOKEN}winux@pve!nope={WRONG}", "no such token 'nope' for user 'winux@pve'"),
        (f"{TOKEN}ghost@pam!x1={WRONG}", "no such user ('ghost@pam')"),
        (
            f"{TOKEN}root@pam={WRONG}",
            "'root@pam' is not a valid token ID - not able to split into user and token parts",
        ),
    ],
)
def test_wrong_credentials_get_401_with_the_text_in_the_reason_line(
    node: LabNode, header: str, reason: str
) -> None:
    client = Client(node.url, node.settings()["proxmox_ca_file"])
    answer = (
        client.get("/version", headers={"X": ""})
        if not header
        else client("GET", "/version", headers={"Authorization": header})
    )
    assert (answer.status, answer.reason, answer.text) == (401, reason, "")


def test_the_unknown_is_501_only_for_who_is_known(node: LabNode, portal: Client) -> None:
    stranger = Client(node.url, node.settings()["proxmox_ca_file"])
    assert stranger.get("/nope").status == 401
    answer = portal.get("/nope")
    assert (answer.status, answer.reason) == (501, "Method 'GET /nope' not implemented")
    assert answer.json == {"data": None, "message": "Method 'GET /nope' not implemented"}


def test_token_files_are_for_the_owner_only(node: LabNode) -> None:
    for token in ("portal", "builder"):
        mode = (node.state_dir / f"{token}.env").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE((node.state_dir / "key.pem").stat().st_mode) == 0o600


def test_no_secret_is_in_the_state_file(node: LabNode) -> None:
    content = b"".join(file.read_bytes() for file in node.state_dir.glob("state.sqlite*"))
    assert b"winux@pve" in content
    for token in ("portal", "builder"):
        assert node.settings(token)["proxmox_api_token_secret"].encode() not in content


@pytest.mark.parametrize(
    ("method", "path", "params", "missing"),
    [
        ("GET", "/cluster/status", {}, "/, Sys.Audit"),
        ("GET", "/nodes/lab/lxc/100/config", {}, "/vms/100, VM.Audit"),
        ("POST", "/nodes/lab/lxc/100/status/start", {}, "/vms/100, VM.PowerMgmt"),
        ("DELETE", "/nodes/lab/lxc/100", {}, "/vms/100, VM.Allocate"),
        ("POST", "/pools", {"poolid": "mine"}, "/pool/mine, Pool.Allocate"),
        (
            "GET",
            "/nodes/lab/storage/local/content",
            {},
            "/storage/local, Datastore.Audit|Datastore.AllocateSpace",
        ),
        (
            "POST",
            "/nodes/lab/storage/local/upload",
            {"content": "vztmpl"},
            "/storage/local, Datastore.AllocateTemplate",
        ),
        (
            "PUT",
            "/access/acl",
            {"path": "/", "roles": "Administrator", "users": "winux@pve"},
            "/, Permissions.Modify",
        ),
    ],
)
def test_the_portal_is_refused_what_it_does_not_need(
    portal: Client, method: str, path: str, params: dict[str, str], missing: str
) -> None:
    answer = portal(method, path, params)
    assert (answer.status, answer.reason) == (403, f"Permission check failed ({missing})")


def test_the_portal_cannot_create_from_an_archive_or_outside_its_pool(
    portal: Client, archive: str, template: int
) -> None:
    wanted = {"ostemplate": archive, "rootfs": "local-lab:4", "vmid": 30999}
    answer = portal.post("/nodes/lab/lxc", **wanted, pool="winux")
    assert answer.status == 403
    assert "/storage/local, Datastore.AllocateSpace|Datastore.Audit" in answer.reason
    answer = portal.post(f"/nodes/lab/lxc/{template}/clone", newid=30999)
    assert (answer.status, answer.reason) == (403, "Permission check failed")


def test_the_portal_cannot_give_itself_more(portal: Client, template: int) -> None:
    more = {"path": f"/vms/{template}", "roles": "Administrator", "users": "winux@pve"}
    answer = portal("PUT", "/access/acl", more)
    assert answer.status == 500
    assert "requires 'Permissions.Modify' or superset of privileges" in answer.reason


def test_the_portal_can_do_the_whole_life_of_a_desktop(portal: Client, template: int) -> None:
    lxc = "/nodes/lab/lxc"
    more = {"pool": "winux", "hostname": "desktop-1", "description": "winux: portal=a desktop=b"}
    assert portal.done(portal.post(f"{lxc}/{template}/clone", newid=30001, **more)) == "OK"
    net = "name=eth0,bridge=wxbr0,ip=10.203.0.70/24,gw=10.203.0.1"
    changed = portal.put(f"{lxc}/30001/config", net0=net, memory=1024, swap=512, cores=2)
    assert changed.status == 200
    assert portal.put(f"{lxc}/30001/config", features="nesting=1").status == 200
    assert portal.done(portal.post(f"{lxc}/30001/status/start")) == "OK"
    current = portal.get(f"{lxc}/30001/status/current").data
    assert (current["status"], current["name"], current["maxmem"]) == (
        "running",
        "desktop-1",
        1024**3,
    )
    addresses = [i.get("inet") for i in portal.get(f"{lxc}/30001/interfaces").data]
    assert addresses == ["127.0.0.1/8", "10.203.0.70/24"]
    assert portal.done(portal.post(f"{lxc}/30001/status/stop")) == "OK"
    assert portal.done(portal.delete(f"{lxc}/30001", purge=1, force=1)) == "OK"
    answer = portal.get(f"{lxc}/30001/config")
    assert answer.reason == "Permission check failed (/vms/30001, VM.Audit)"


def test_a_foreign_container_is_out_of_reach(portal: Client, root: Client, archive: str) -> None:
    made = root.post("/nodes/lab/lxc", vmid=500, ostemplate=archive, rootfs="local-lab:4")
    assert root.done(made) == "OK"
    assert 500 in [row["vmid"] for row in root.get("/nodes/lab/lxc").data]
    for path in ("/nodes/lab/lxc", "/cluster/resources"):
        answer = portal.get(path)
        assert answer.status == 200
        assert '"vmid":500' not in answer.text
    for refused in (
        portal.get("/pools/winux"),
        portal.get("/nodes/lab/lxc/500/config"),
        portal.put("/nodes/lab/lxc/500/config", memory=64),
        portal.delete("/nodes/lab/lxc/500"),
    ):
        assert refused.status == 403


def test_other_peoples_tasks_need_sys_audit(
    portal: Client, root: Client, make: Callable[..., int]
) -> None:
    builders = make(29051)
    right = {"path": "/nodes", "roles": "WinuxNodes", "tokens": "winux@pve!portal"}
    assert root("PUT", "/access/acl", right | {"delete": 1}).status == 200
    client = portal
    other = client.post(f"/nodes/lab/lxc/{builders}/status/start").data
    assert client.wait(other) == "OK"
    stranger = other.replace("portal", "builder")
    answer = client.get(f"/nodes/lab/tasks/{stranger}/status")
    assert answer.reason == "Permission check failed (/nodes/lab, Sys.Audit)"
    assert root("PUT", "/access/acl", right).status == 200


def test_tickets_need_the_password_and_writes_the_csrf_token(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from labnode.access import Access
    from labnode.store import Store

    state_dir = tmp_path_factory.mktemp("tickets") / "state"
    state_dir.mkdir()
    access = Access(Store(state_dir / "state.sqlite"))
    access.add_user("anna@pve", "correct horse")
    access.grant("/", ["Administrator"], "users", ["anna@pve"])
    node = LabNode(state_dir).start()
    try:
        client = Client(node.url, str(state_dir / "ca.pem"))
        wrong = client.post("/access/ticket", username="anna@pve", password="battery")
        assert (wrong.status, wrong.reason) == (401, "authentication failure")
        assert wrong.json["message"] == "authentication failure\n"
        good = client.post("/access/ticket", username="anna@pve", password="correct horse").data
        cookie = urllib.parse.quote(good["ticket"], safe="")
        client.headers = {"Cookie": f"PVEAuthCookie={cookie}"}
        assert client.get("/version").status == 200
        refused = client.post("/pools", poolid="new")
        assert (refused.status, refused.reason) == (
            401,
            "Permission denied - invalid csrf token",
        )
        client.headers["CSRFPreventionToken"] = good["CSRFPreventionToken"]
        assert client.post("/pools", poolid="new").status == 200
        client.headers["Cookie"] += "x"
        assert client.get("/version").reason == "permission denied - invalid PVE ticket"
    finally:
        node.stop()
