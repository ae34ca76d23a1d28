"""Parameters: how they may be sent, and Proxmox's error messages for wrong ones."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.labnode.server import Client

LXC = "/nodes/lab/lxc"
UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"
DNS = "invalid format - value does not look like a valid DNS name\n"
FORMAT = "invalid format - format error\n"


@pytest.fixture(scope="module")
def vmid(make: Callable[..., int]) -> int:
    return make(450, description="first")


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({"memory": "lots"}, {"memory": "type check ('integer') failed - got 'lots'"}),
        ({"memory": "512.5"}, {"memory": "type check ('integer') failed - got '512.5'"}),
        ({"memory": ""}, {"memory": "type check ('integer') failed - got ''"}),
        ({"memory": 1}, {"memory": "value must have a minimum value of 16"}),
        ({"cores": 9000}, {"cores": "value must have a maximum value of 8192"}),
        ({"onboot": "True"}, {"onboot": "type check ('boolean') failed - got 'True'"}),
        ({"onboot": "yes"}, {"onboot": "type check ('boolean') failed - got 'yes'"}),
        ({"hostname": "a_b"}, {"hostname": DNS}),
        ({"hostname": ""}, {"hostname": DNS}),
        ({"tags": "a b!"}, {"tags": "invalid format - invalid characters in tag\n"}),
        ({"description": "x" * 8193}, {"description": "value may only be 8192 characters long"}),
        (
            {"cmode": "vt"},
            {"cmode": "value 'vt' does not have a value in the enumeration 'shell, console, tty'"},
        ),
        ({"net0": "bridge=b"}, {"net0": f"{FORMAT}net0.name: {MISSING}\n"}),
        (
            {"net0": "name=eth0,ip=300.1.1.1/24"},
            {
                "net0": f"{FORMAT}net0.ip: invalid format - value does not look like a valid ipv4"
                " network configuration\n\n"
            },
        ),
        (
            {"net0": "name=eth0,bogus=1"},
            {"net0": "invalid format - invalid key in comma-separated list property: bogus\n"},
        ),
        (
            {"net0": "name=eth0,name=eth1"},
            {"net0": "invalid format - duplicate key in comma-separated list property: name\n"},
        ),
        ({"banana": 1, "memory": "x"}, {"banana": UNKNOWN, "memory": "type check"}),
        ({"delete": "banana"}, {"delete": "unknown option 'banana'"}),
        (
            {"delete": "memory", "memory": 512},
            {"delete": "you can't use '-memory' and -delete memory' at the same time"},
        ),
    ],
)
def test_wrong_values_are_400_with_a_text_each(
    root: Client, vmid: int, given: dict[str, Any], errors: dict[str, str]
) -> None:
    answer = root("PUT", f"{LXC}/{vmid}/config", given)
    assert (answer.status, answer.reason) == (400, "Parameter verification failed.")
    body = answer.json
    assert body["message"] == "Parameter verification failed.\n"
    assert body["errors"].keys() == errors.keys()
    for name, text in errors.items():
        assert body["errors"][name].startswith(text)


def test_the_wrong_node_path_comes_before_the_parameters(root: Client) -> None:
    answer = root("PUT", "/nodes/other/lxc/abc/config", {"memory": "x"})
    assert answer.status == 500
    answer = root("PUT", f"{LXC}/abc/config", {"memory": 512})
    assert answer.json["errors"] == {"vmid": "type check ('integer') failed - got 'abc'"}


def test_repeated_keys_are_a_list_where_a_list_is_wanted(root: Client, vmid: int) -> None:
    pairs = [("tags", "zed"), ("tags", "alpha"), ("tags", "zed")]
    assert root("PUT", f"{LXC}/{vmid}/config", pairs).status == 200
    assert root.get(f"{LXC}/{vmid}/config").data["tags"] == "alpha;zed"
    answer = root("PUT", f"{LXC}/{vmid}/config", [("onboot", "1"), ("onboot", "0")])
    assert answer.json["errors"] == {"onboot": "type check ('boolean') failed - got ARRAY"}


def test_a_form_and_json_mean_the_same(root: Client, vmid: int) -> None:
    assert (
        root("PUT", f"{LXC}/{vmid}/config", None, json={"memory": 700, "onboot": True}).status
        == 200
    )
    config = root.get(f"{LXC}/{vmid}/config").data
    assert (config["memory"], config["onboot"]) == (700, 1)
    assert root.put(f"{LXC}/{vmid}/config", memory=800, onboot=0).status == 200
    config = root.get(f"{LXC}/{vmid}/config").data
    assert (config["memory"], config["onboot"]) == (800, 0)


def test_a_broken_body_is_refused(root: Client, vmid: int) -> None:
    headers = {"Content-Type": "application/json"}
    for body in ("{", "[1]"):
        answer = root("PUT", f"{LXC}/{vmid}/config", body, headers=headers)
        assert answer.status == 500
        assert answer.reason.startswith("malformed JSON string")
    answer = root("POST", f"{LXC}/{vmid}/status/start", "x", headers={"Content-Type": "text/plain"})
    assert answer.status == 506


def test_the_digest_notices_a_change_in_between(root: Client, vmid: int) -> None:
    old = root.get(f"{LXC}/{vmid}/config").data["digest"]
    assert root.put(f"{LXC}/{vmid}/config", swap=64, digest=old).status == 200
    answer = root.put(f"{LXC}/{vmid}/config", swap=65, digest=old)
    assert answer.reason == (
        "detected modified configuration - file changed by other user? Try again."
    )


def test_descriptions_keep_their_lines_and_letters(root: Client, vmid: int) -> None:
    text = "winux: portal=p1 desktop=desktop-a1b2c3d4\nzweite Zeile: größer & ☃"
    assert root.put(f"{LXC}/{vmid}/config", description=text).status == 200
    assert root.get(f"{LXC}/{vmid}/config").data["description"] == f"{text}\n"


def test_options_are_deleted(root: Client, vmid: int) -> None:
    assert root.put(f"{LXC}/{vmid}/config", delete="tags,mp3").status == 200
    assert "tags" not in root.get(f"{LXC}/{vmid}/config").data
    assert root.put(f"{LXC}/{vmid}/config", delete="rootfs").reason == (
        "unable to delete required option 'rootfs'"
    )


@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("../../etc/passwd", {"filename": "wrong file extension"}),
        ("base.tar", {"filename": "wrong file extension"}),
    ],
)
def test_uploads_that_are_no_templates(root: Client, name: str, errors: dict[str, str]) -> None:
    path = "/nodes/lab/storage/local/upload"
    files = {"filename": (name, b"content")}
    answer = root("POST", path, {"content": "vztmpl"}, files=files)
    assert (answer.status, answer.json["errors"]) == (400, errors)


def test_an_upload_stays_in_its_folder(root: Client, node: Any) -> None:
    files = {"filename": ("../../../up.tar.gz", b"content")}
    path = "/nodes/lab/storage/local/upload"
    assert root.done(root("POST", path, {"content": "vztmpl"}, files=files)) == "OK"
    stored = node.state_dir / "template" / "cache" / "up.tar.gz"
    assert stored.read_bytes() == b"content"
    volume = "/nodes/lab/storage/local/content/local:vztmpl/up.tar.gz"
    assert root.done(root.delete(volume)) == "OK"
    assert not stored.exists()
    assert list((node.state_dir / "uploads").iterdir()) == []


def test_a_wrong_checksum_fails_the_task(root: Client) -> None:
    files = {"filename": ("sum.tar.gz", b"content")}
    fields = {"content": "vztmpl", "checksum": "00", "checksum-algorithm": "sha256"}
    answer = root("POST", "/nodes/lab/storage/local/upload", fields, files=files)
    assert root.done(answer).startswith("checksum mismatch: got 'ed7002b4")
    volumes = [row["volid"] for row in root.get("/nodes/lab/storage/local/content").data]
    assert "local:vztmpl/sum.tar.gz" not in volumes


def test_a_big_upload_is_not_held_in_memory(root: Client, node: Any, tmp_path: Path) -> None:
    big = tmp_path / "big.tar.zst"
    with big.open("wb") as file:
        file.truncate(300 * 1024**2)
    status = Path(f"/proc/{node.process.pid}/status")

    def peak_kib() -> int:
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1])

    before = peak_kib()
    from requests_toolbelt import MultipartEncoder

    with big.open("rb") as content:
        body = MultipartEncoder({"content": "vztmpl", "filename": ("big.tar.zst", content)})
        headers = {"Content-Type": body.content_type}
        answer = root("POST", "/nodes/lab/storage/local/upload", body, headers=headers)
    assert root.done(answer) == "OK"
    assert peak_kib() - before < 64 * 1024
    assert (
        root.done(root.delete("/nodes/lab/storage/local/content/local:vztmpl/big.tar.zst")) == "OK"
    )


def test_answers_have_one_json_object_and_its_length(root: Client) -> None:
    answer = root.get("/version")
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert int(answer.headers["Content-Length"]) == len(answer.text)
    assert json.loads(answer.text)["data"]["release"] == "9.1"


def test_an_answer_leaves_in_one_piece(node: Any) -> None:
    # Head and body in two writes cost 40 ms per request with clients that delay their ACK.
    context = ssl.create_default_context(cafile=str(node.state_dir / "ca.pem"))
    host, port = node.url.removeprefix("https://").split(":")
    plain = socket.create_connection((host, int(port)), 10)
    with context.wrap_socket(plain, server_hostname=host) as secure:
        secure.sendall(b"GET /foo/ HTTP/1.1\r\nHost: x\r\n\r\n")
        first = secure.recv(65536)
    assert first.startswith(b"HTTP/1.1 500 no such file '/foo/'\r\n")
    assert first.endswith(b"\r\n\r\nno such file '/foo/'\n")


def test_a_client_that_does_not_finish_its_handshake_holds_nobody_up(
    node: Any, root: Client
) -> None:
    host, port = node.url.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port)), 10):
        began = time.monotonic()
        fresh = Client(root.url, root.ca_file, root.headers)
        assert fresh.get("/version").status == 200
        assert time.monotonic() - began < 5


def test_a_body_nobody_wanted_is_not_kept(node: Any, root: Client) -> None:
    stranger = Client(root.url, root.ca_file)
    answer = stranger("POST", "/nodes/lab/storage/local/upload", b"x" * 8 * 1024**2)
    assert (answer.status, answer.reason) == (401, "No ticket")
    assert stranger.get("/version").reason == "No ticket"
    chunked = root("POST", "/pools", iter([b"poolid=", b"new"]))
    assert (chunked.status, chunked.reason) == (501, "chunked transfer encoding not supported")
