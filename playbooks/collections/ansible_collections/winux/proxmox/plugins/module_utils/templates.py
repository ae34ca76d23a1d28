"""Selects the published template for a clone, and the id of a new template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.winux.proxmox.plugins.module_utils.api import Api
from ansible_collections.winux.proxmox.plugins.module_utils.failures import Missing, ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.marks import (
    PublishedTemplate,
    read_template,
)


def configurations(api: Api, *, templates_only: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (vmid, configuration) of every container that the token sees on the node."""
    for row in api.read_list("lxc"):
        if templates_only and str(row.get("template", "0")) != "1":
            continue
        try:
            yield int(row["vmid"]), api.read(f"lxc/{row['vmid']}/config")
        except Missing:
            continue  # removed between the list and the read


def published(api: Api, name: str) -> list[PublishedTemplate]:
    """Return all published versions of a template, newest first (versions sort as text)."""
    found = [
        read_template(vmid, config) for vmid, config in configurations(api, templates_only=True)
    ]
    return sorted(
        (one for one in found if one and one.name == name),
        key=lambda one: one.version,
        reverse=True,
    )


def newest(api: Api, name: str) -> PublishedTemplate:
    """Return the newest published version."""
    versions = published(api, name)
    if not versions:
        api.check_sight()
        raise ProxmoxFailed(
            f"node {api.node} has no published template named {name!r}: build one with "
            "template-build.yml"
        )
    return versions[0]


def free_vmids(api: Api, first: int, last: int) -> list[int]:
    """Return the ids of the range that the list shows as free; a hidden container may have one."""
    taken = {int(row["vmid"]) for row in api.read_list("lxc")}
    free = [vmid for vmid in range(first, last + 1) if vmid not in taken]
    if not free:
        raise ProxmoxFailed(
            f"no container id from {first} to {last} is free: remove old templates, or set "
            "template_vmid_first and _last"
        )
    return free
