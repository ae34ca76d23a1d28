"""A lab node with the memory backend for each test file, with the clients and objects of its
tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labnode.access import Access
from labnode.store import Store
from tests.labnode.server import Client, LabNode, allow_more

ROOT_SECRET = "99999999-2222-3333-4444-555555555555"
ARCHIVE = b"made up root file system"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    state_dir = tmp_path_factory.mktemp("labnode") / "state"
    state_dir.mkdir()
    access = Access(Store(state_dir / "state.sqlite"))
    access.add_user("root@pam")
    access.add_token("root@pam", "full", ROOT_SECRET, privsep=False)
    allow_more(state_dir, "/vms/610")
    server = LabNode(state_dir, ["--faults"]).start()
    yield server
    server.stop()


@pytest.fixture
def builder(node: LabNode) -> Client:
    return node.client("builder")


@pytest.fixture
def root(node: LabNode) -> Client:
    """A client with all rights, like an administrator with an API token."""
    header = f"PVEAPIToken=root@pam!full={ROOT_SECRET}"
    return Client(node.url, node.settings()["proxmox_ca_file"], {"Authorization": header})


@pytest.fixture
def portal(node: LabNode) -> Client:
    return node.client("portal")


@pytest.fixture(scope="module")
def archive(node: LabNode, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The volume id of an uploaded template archive."""
    return upload_archive(node.client(), tmp_path_factory.mktemp("upload"))


def upload_archive(client: Client, folder: Path, node: str = "lab") -> str:
    name = "base_1.tar.zst"
    file = folder / name
    file.write_bytes(ARCHIVE)
    with file.open("rb") as content:
        answer = client(
            "POST",
            f"/nodes/{node}/storage/local/upload",
            {"content": "vztmpl"},
            files={"filename": (name, content)},
        )
    assert client.done(answer) == "OK"
    return f"local:vztmpl/{name}"


@pytest.fixture(scope="module")
def make(node: LabNode, archive: str) -> Callable[[int], int]:
    """Create a stopped container in the pool."""

    def create(vmid: int, **options: object) -> int:
        client = node.client()
        wanted = {"rootfs": "local-lab:4", "pool": "winux", "hostname": f"ct{vmid}", **options}
        answer = client.post("/nodes/lab/lxc", vmid=vmid, ostemplate=archive, **wanted)
        assert client.done(answer) == "OK"
        return vmid

    return create


@pytest.fixture(scope="module")
def template(node: LabNode, make: Callable[[int], int]) -> int:
    make(29001)
    assert node.client().post("/nodes/lab/lxc/29001/template").status == 200
    return 29001


@pytest.fixture
def make_weak(node: LabNode) -> Callable[..., Client]:
    """Return a client whose token has only these privileges, on everything."""

    def create(*privileges: str) -> Client:
        node.stop()
        access = Access(Store(node.state_dir / "state.sqlite"))
        access.add_user("weak@pve")
        secret = access.add_token("weak@pve", "weak", privsep=False)
        access.roles.put("Weak", {"privs": list(privileges)})
        access.grant("/", ["Weak"], "users", ["weak@pve"])
        node.start()
        header = f"PVEAPIToken=weak@pve!weak={secret}"
        return Client(node.url, node.settings()["proxmox_ca_file"], {"Authorization": header})

    return create
