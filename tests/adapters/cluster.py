"""A lab node with three simulated nodes, each with a replica of one template."""

from collections.abc import Sequence
from pathlib import Path

from tests.labnode.server import Client, LabNode
from tests.portal import make_environment
from webapp.config import ROOT

#: The VM id of each node's replica.
REPLICAS = {"a": 29001, "b": 29002, "c": 29003}

#: The real roles, up to the first that must enter the desktop.
PLAYBOOK = """
- name: Create a desktop that nobody can enter
  hosts: localhost
  connection: local
  gather_facts: false
  module_defaults:
    group/winux.proxmox.api: "{{ proxmox_connection }}"
  roles:
    - role: desktop_clone
    - role: desktop_configure
    - role: desktop_start
  tasks:
    - name: Tell what is there
      winux.proxmox.private_json:
        path: "{{ result_file }}"
        content:
          node: "{{ proxmox_node }}"
          address: "{{ container_address }}"
          ssh_host_key_sha256: "SHA256:{{ 'k' * 43 }}"
          rdp_certificate_sha256: "{{ 'c' * 64 }}"
          rdp_certificate_pem: "-----BEGIN CERTIFICATE-----\\nAA==\\n-----END CERTIFICATE-----\\n"
"""


def make_replicas(client: Client, replicas: dict[str, int]) -> None:
    """Create a template on each node, like template-build.yml, from an empty archive."""
    for node, vmid in replicas.items():
        uploaded = client(
            "POST",
            f"/nodes/{node}/storage/local/upload",
            {"content": "vztmpl"},
            files={"filename": ("nothing.tar.zst", b"nothing")},
        )
        assert client.done(uploaded) == "OK"
        create(client, node, vmid, description="winux-template: name=xfce version=1")
        assert client.post(f"/nodes/{node}/lxc/{vmid}/template").status == 200


def create(client: Client, node: str, vmid: int, **config: str) -> None:
    """Create a container as an operator does by hand."""
    made = client.post(
        f"/nodes/{node}/lxc",
        vmid=vmid,
        ostemplate="local:vztmpl/nothing.tar.zst",
        storage="local-lab",
        pool="winux",
        unprivileged=1,
        **config,
    )
    assert client.done(made) == "OK"


def faults(lab: LabNode, *faults: dict[str, object]) -> None:
    """Set the cluster's faults; without any, it works normally."""
    answer = lab.client()("PUT", "/labnode/faults", None, json=list(faults), is_whole=True)
    assert answer.status == 200, answer.text


def desktops(lab: LabNode) -> dict[int, str]:
    """Map the VM id of each container that is not a template to its node."""
    rows = lab.client().get("/cluster/resources", type="vm").data
    return {row["vmid"]: row["node"] for row in rows if row["vmid"] not in REPLICAS.values()}


def write_playbooks(folder: Path) -> Path:
    """Copy the real playbooks without their last two steps, which must enter the container."""
    folder.mkdir()
    for name in ("roles", "tasks", "collections", "ansible.cfg", "destroy-winux-session.yml"):
        (folder / name).symlink_to(ROOT / "playbooks" / name)
    (folder / "create-winux-session.yml").write_text(PLAYBOOK)
    return folder


def environment_of(lab: LabNode, folder: Path, **changes: str) -> dict[str, str]:
    """Return the settings of a portal on the cluster."""
    return (
        make_environment(
            folder,
            **lab.settings("portal"),
            WINUX_PLAYBOOKS_DIR=str(write_playbooks(folder / "playbooks")),
            WINUX_INVENTORY=str(ROOT / "inventory" / "lab"),
        )
        | changes
    )


def node_options(names: Sequence[str], memory_mb: int = 16_384) -> list[str]:
    return [word for name in names for word in ("--node", f"{name}:{memory_mb}")]
