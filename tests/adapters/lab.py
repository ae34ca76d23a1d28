"""A lab node with simulated containers."""

import json
from pathlib import Path

from tests.labnode.server import Client, LabNode
from tests.portal import make_environment
from webapp.config import ROOT

TEMPLATE = 29001


def make_template(client: Client) -> None:
    """Create a template, like template-build.yml, from an empty archive."""
    uploaded = client(
        "POST",
        "/nodes/lab/storage/local/upload",
        {"content": "vztmpl"},
        files={"filename": ("nothing.tar.zst", b"nothing")},
    )
    assert client.done(uploaded) == "OK"
    create(client, TEMPLATE, hostname="xfce", description="winux-template: name=xfce version=1")
    assert client.post(f"/nodes/lab/lxc/{TEMPLATE}/template").status == 200


def create(client: Client, vmid: int, **config: str) -> None:
    """Create a container as an operator does by hand."""
    made = client.post(
        "/nodes/lab/lxc",
        vmid=vmid,
        ostemplate="local:vztmpl/nothing.tar.zst",
        storage="local-lab",
        pool="winux",
        unprivileged=1,
        **config,
    )
    assert client.done(made) == "OK"


def environment_of(lab: LabNode, folder: Path, **changes: str) -> dict[str, str]:
    """Return the settings of a portal on `lab`, with the real playbooks."""
    return (
        make_environment(
            folder,
            **lab.settings("portal"),
            WINUX_PLAYBOOKS_DIR=str(ROOT / "playbooks"),
            WINUX_INVENTORY=str(ROOT / "inventory" / "lab"),
        )
        | changes
    )


def fault(lab: LabNode, kind: str, **how: object) -> None:
    """Set the lab node's faults."""
    client = lab.client()
    answer = client.session.put(
        lab.url + "/labnode/faults",
        data=json.dumps([{"kind": kind, "count": 0, **how}]),
        verify=client.ca_file,
        timeout=10,
    )
    assert answer.status_code == 200, answer.text


def desktops_on(lab: LabNode) -> list[int]:
    """Return the VM ids of all containers except the template."""
    rows = lab.client().get("/nodes/lab/lxc").data
    return sorted(row["vmid"] for row in rows if row["vmid"] != TEMPLATE)
