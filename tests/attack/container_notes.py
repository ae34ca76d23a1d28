"""Hostile notes and tags of a container, written through the API of Proxmox VE."""

from setup.lab import credentials
from tests.adapters.payloads import payloads
from tests.attack.catalogue import attack
from tests.attack.desktop_answers import canary
from tests.attack.promise import Broken
from tests.attack.target import Target
from tests.labnode.server import Client as NodeClient

CHOSEN = ("expression", "statement", "unsafe tag", "YAML object", "JSON mark", "shell", "newlines")
CONTROLS = ("\x1b", "\u202e")


def node_client(target: Target) -> NodeClient:
    """Return a client of the node's API with the builder's token."""
    values = credentials(target.settings, "builder")
    user, name = values["proxmox_api_user"], values["proxmox_api_token_id"]
    header = f"PVEAPIToken={user}!{name}={values['proxmox_api_token_secret']}"
    url = f"https://{values['proxmox_api_host']}:{target.settings.lab_port}"
    return NodeClient(url, values["proxmox_ca_file"], {"Authorization": header})


@attack(
    "proxmox: templates, YAML and terminal codes in a container's notes and tags",
    "nothing is evaluated or shown raw; the desktop is still paused, resumed and reconciled",
)
def hostile_notes(target: Target) -> str:
    client, node = target.client("notes"), node_client(target)
    with canary(target) as marker, target.session(client) as desktop_id:
        [row] = target.rows("select vmid, node from desktops where public_id = ?", desktop_id)
        path = f"/nodes/{row['node']}/lxc/{row['vmid']}/config"
        mark = node.get(path).data["description"]
        texts = [payloads(marker)[name] for name in CHOSEN]
        lines = "\n".join([*texts, mark, *texts])
        written = node.put(path, description=lines)
        tags = node.put(path, tags=f"a;{{{{lookup('pipe','touch {marker}')}}}}").status
        if written.status != 200:
            raise RuntimeError(f"the node does not take the notes: {written.reason}")
        target.portal.command("reconcile")
        target.pause(client, desktop_id)
        asked = target.resume(client, desktop_id)
        told = str(target.portal.ask("reconcile", "--dry-run"))
    if any(control in told for control in CONTROLS):
        raise Broken("terminal codes of the notes reach an administrator's terminal")
    return f"notes taken, such tags answered with {tags}; paused, and resumed at try {asked}"
