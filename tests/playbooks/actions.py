"""Makes the playbooks' collection importable, as Ansible does, to test its parts."""

import sys
from typing import Any

from tests.lab import PLAYBOOKS, RealLab
from tests.labnode.server import LabNode

COLLECTIONS = str(PLAYBOOKS / "collections")
if COLLECTIONS not in sys.path:
    sys.path.append(COLLECTIONS)

from ansible_collections.winux.proxmox.plugins.module_utils.api import Api  # noqa: E402 (the path comes first)
from ansible_collections.winux.proxmox.plugins.module_utils.containers import (  # noqa: E402 (the path comes first)
    Container,
)
from ansible_collections.winux.proxmox.plugins.module_utils.marks import (  # noqa: E402 (the path comes first)
    desktop_mark,
)

SESSION = "desktop-0000test"
MARK = desktop_mark("manual", SESSION)


def api_of(node: LabNode | RealLab, **changes: Any) -> Api:
    """Return the playbooks' API client for a lab node, with the portal's token."""
    values = node.settings("portal")
    settings = {
        "api_host": values["proxmox_api_host"],
        "api_port": int(values["proxmox_api_port"]),
        "api_user": values["proxmox_api_user"],
        "api_token_id": values["proxmox_api_token_id"],
        "api_token_secret": values["proxmox_api_token_secret"],
        "ca_file": values["proxmox_ca_file"],
        "node": values["proxmox_node"],
    }
    return Api(settings | changes)


def container_of(node: LabNode, vmid: int, mark: str = MARK) -> Container:
    return Container(api_of(node), vmid, mark)
