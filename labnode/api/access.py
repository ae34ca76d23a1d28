"""Tickets, permissions and access control lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labnode.access import TOKEN_ID, Access, normalize_path
from labnode.errors import BadParameters, Failed
from labnode.routes import Call, Routes, anyone
from labnode.schema import FLAG, required, split_list, text

routes = Routes()

OVER = {"storage": "Datastore.Allocate", "vms": "VM.Allocate", "pool": "Pool.Allocate"}


def may_grant(access: Access, user: str, params: Mapping[str, object]) -> None:
    """Require Permissions.Modify, or the privilege to allocate what lies under the path."""
    path = normalize_path(str(params.get("path", "")))
    parts = path.split("/")
    allocate = [OVER[parts[1]]] if len(parts) > 2 and parts[1] in OVER else []
    access.check(user, path, "Permissions.Modify", *allocate, any_of=True)


@routes.add(
    "POST",
    "/access/ticket",
    anyone,
    {
        "new-format": FLAG,
        "otp": text(),
        "password": required(text()),
        "path": text(max_length=64, requires="privs"),
        "privs": text(max_length=64, requires="path"),
        "realm": text(max_length=32),
        "tfa-challenge": text(),
        "username": required(text(max_length=64)),
    },
    is_public=True,
)
def create_ticket(call: Call) -> object:
    """Sign in with a password; the ticket is valid for two hours."""
    user = call.params["username"]
    if "@" not in user:
        user = f"{user}@{call.params.get('realm', 'pam')}"
    return call.node.access.login(user, call.params["password"])


@routes.add("GET", "/access/ticket", anyone, is_public=True)
def ticket_form(call: Call) -> object:
    """Return nothing, as Proxmox does; exists for browsers that open this path."""
    return None


@routes.add("GET", "/access/permissions", anyone, {"path": text(), "userid": text()})
def permissions(call: Call) -> object:
    """Return the permissions of the caller, or of another user if the caller may see them."""
    access, user = call.node.access, call.params.get("userid", call.user)
    own = TOKEN_ID.fullmatch(user)
    if user != call.user and not (own and own[1] == call.user):
        call.check("/access", "Sys.Audit")
    path = call.params.get("path")
    if path is None:
        return access.effective(user)
    held = access.privileges(user, normalize_path(path))
    return {path: {name: int(on) for name, on in held.items()}} if held else {}


@routes.add("GET", "/access/acl", anyone)
def list_acl(call: Call) -> object:
    """List all grants; requires the privilege to see them."""
    access, rows = call.node.access, []
    sees_all = call.may("/access", "Sys.Audit")
    for path, lists in access.acl.items():
        if sees_all or call.may(path, "Permissions.Modify"):
            for kind, grants in lists.items():
                rows += [
                    {
                        "path": path,
                        "type": kind.removesuffix("s"),
                        "ugid": name,
                        "roleid": role,
                        "propagate": int(propagate),
                    }
                    for name, roles in grants.items()
                    for role, propagate in roles.items()
                ]
    return rows


@routes.add(
    "PUT",
    "/access/acl",
    may_grant,
    {
        "delete": FLAG,
        "groups": text(format="pve-groupid-list"),
        "path": required(text()),
        "propagate": FLAG,
        "roles": text(optional=False, format="pve-roleid-list"),
        "tokens": text(format="pve-tokenid-list"),
        "users": text(format="pve-userid-list"),
    },
)
def change_acl(call: Call) -> object:
    """Grant or revoke roles; without Permissions.Modify only privileges that the caller holds."""
    access, params = call.node.access, call.params
    kinds = ("users", "groups", "tokens")
    if not any(key in params for key in kinds):
        text = "either 'users', 'groups' or 'tokens' is required."
        raise BadParameters(dict.fromkeys(kinds, text))
    try:
        _change(access, call.user, params)
    except Failed as error:
        raise Failed(f"ACL update failed: {error.message}") from error
    return None


def _change(access: Access, user: str, params: dict[str, Any]) -> None:
    roles, deletes = split_list(params["roles"]), bool(params.get("delete"))
    held = access.privileges(user, normalize_path(params["path"]))
    for role in roles:
        if "Permissions.Modify" not in held and not access.role_privileges(role) <= held.keys():
            verb = "remove" if deletes else "add"
            needs = "'Permissions.Modify' or superset of privileges"
            raise Failed(f"Cannot {verb} role '{role}' - requires {needs}.")
        access.role_privileges(role)
    if "groups" in params:
        raise Failed(f"group '{split_list(params['groups'])[0]}' does not exist")
    for kind in ("users", "tokens"):
        names = split_list(params.get(kind))
        _check_known(access, names)
        if names and deletes:
            access.revoke(params["path"], roles, kind, names)
        elif names:
            propagate = bool(params.get("propagate", 1))
            access.grant(params["path"], roles, kind, names, propagate=propagate)


def _check_known(access: Access, names: list[str]) -> None:
    for name in names:
        user, _, token = name.partition("!")
        known = access.users.get(user)
        if known is None:
            raise Failed(f"user '{user}' does not exist")
        if token and token not in known.get("tokens", {}):
            raise Failed(f"no such token '{token}' for user '{user}'")
