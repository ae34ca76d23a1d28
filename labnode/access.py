"""Access control as in Proxmox: users, tokens, tickets, roles and access control lists."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
import uuid

from labnode.errors import BadParameters, Failed, Forbidden, Unauthorized
from labnode.store import Document, Store

PRIVILEGES = frozenset(
    """Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit
    Group.Allocate Mapping.Audit Mapping.Modify Mapping.Use Permissions.Modify Pool.Allocate
    Pool.Audit Realm.Allocate Realm.AllocateUser SDN.Allocate SDN.Audit SDN.Use
    Sys.AccessNetwork Sys.Audit Sys.Console Sys.Incoming Sys.Modify Sys.PowerMgmt Sys.Syslog
    User.Modify VM.Allocate VM.Audit VM.Backup VM.Clone VM.Config.CDROM VM.Config.CPU
    VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network
    VM.Config.Options VM.Console VM.GuestAgent.Audit VM.GuestAgent.FileRead
    VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite VM.GuestAgent.Unrestricted VM.Migrate
    VM.PowerMgmt VM.Replicate VM.Snapshot VM.Snapshot.Rollback""".split()
)
#: The first part of each privilege, by the name of the roles that hold it (`PVEVMUser`).
CATEGORIES = {
    **{name: name for name in ("VM", "Datastore", "SDN", "Pool", "Mapping")},
    "Sys": "Sys",
    "User": "User|Group|Realm",
}
#: The privileges of a category that only `Administrator` holds.
OF_ROOT = frozenset(
    "Sys.PowerMgmt Sys.Modify Sys.Incoming Sys.AccessNetwork Realm.Allocate".split()
)
#: The privileges that suffice to use an object, besides those to see it.
OF_USERS = frozenset(
    """Datastore.AllocateSpace Mapping.Use Pool.Audit SDN.Use VM.Backup VM.Config.CDROM
    VM.Config.Cloudinit VM.Console VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt
    VM.GuestAgent.FileWrite VM.PowerMgmt""".split()
)


def _built_in_roles() -> dict[str, frozenset[str]]:
    """Return the predefined roles of Proxmox."""
    audit = frozenset(p for p in PRIVILEGES if p.endswith(".Audit"))
    grouped = PRIVILEGES - OF_ROOT - {"Permissions.Modify"}
    roles = {
        "Administrator": PRIVILEGES,
        "NoAccess": frozenset[str](),
        "PVEAdmin": grouped - {"Mapping.Modify"},
        "PVEAuditor": audit,
        "PVETemplateUser": frozenset({"VM.Clone", "VM.Audit"}),
    }
    for name, first in CATEGORIES.items():
        own = frozenset(p for p in grouped if re.match(rf"({first})\.", p))
        roles[f"PVE{name}Admin"] = own
        if own & OF_USERS:
            roles[f"PVE{name}User"] = own & (OF_USERS | audit)
    return roles


ROLES = _built_in_roles()
TOP_PATHS = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")
ACL_PATH = re.compile(
    r"/|/(access(/groups(/[^/]+)?|/realm(/[^/]+)?)?|nodes(/[^/]+)?|pool(/[^/]+){0,3}"
    r"|sdn(/zones(/[^/]+){0,3}|/[^/]+)?|storage(/[^/]+)?|vms(/[1-9]\d{2,})?|mapping(/[^/]+){0,2})"
)
CAPABILITIES = {
    "vms": r"VM\.|Permissions\.Modify",
    "access": r"(User|Group)\.|Permissions\.Modify",
    "storage": r"Datastore\.|Permissions\.Modify",
    "nodes": r"Sys\.|Permissions\.Modify",
    "sdn": r"SDN\.|Permissions\.Modify",
    "dc": r"Sys\.Audit|Sys\.Modify|SDN\.",
    "mapping": r"Mapping\.|Permissions\.Modify",
}
TICKET_LIFE_S = 7200
TOKEN_ID = re.compile(r"([^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+)!([A-Za-z][A-Za-z0-9.\-_]+)")

Roles = dict[str, bool]


class Access:
    """Users (`name@realm`), their tokens (`name@realm!id`) and their privileges on each path."""

    def __init__(self, store: Store) -> None:
        self.users, self.roles = store.table("user"), store.table("role")
        self.acl, self.pools = store.table("acl"), store.table("pool")
        self._pool_of = self._members()
        keys = store.table("key")
        if "ticket" not in keys:
            keys.put("ticket", {"secret": secrets.token_hex(32)})
        self._key = (keys.get("ticket") or {})["secret"].encode()

    # -- authentication

    def add_user(self, user: str, password: str = "") -> None:
        """Add a user; without a password only tokens can be used."""
        salt = secrets.token_hex(16)
        digest = _password_digest(password, salt) if password else ""
        self.users.put(user, {"enable": 1, "expire": 0, "salt": salt, "password": digest})

    def add_token(
        self, user: str, token: str, secret: str = "", *, privsep: bool = True, expire: int = 0
    ) -> str:
        """Add a token and return its secret, which is not stored."""
        secret = secret or str(uuid.uuid4())
        known = self._enabled_user(user)
        entry = {"privsep": privsep, "expire": expire, "digest": _token_digest(secret)}
        self.users.put(user, {**known, "tokens": {**known.get("tokens", {}), token: entry}})
        return secret

    def verify_token(self, value: str) -> str:
        """The `user@realm!id` of an `id=secret` header value; raises Unauthorized."""
        identity, separator, secret = value.rpartition("=")
        if not separator:
            raise Unauthorized("no tokenid specified")
        match = TOKEN_ID.fullmatch(identity)
        if match is None:
            reason = "not able to split into user and token parts"
            raise Unauthorized(f"'{identity}' is not a valid token ID - {reason}")
        user, token = match.groups()
        entry = self._enabled_user(user).get("tokens", {}).get(token)
        if entry is None:
            raise Unauthorized(f"no such token '{token}' for user '{user}'")
        if 0 < entry["expire"] < time.time():
            raise Unauthorized(f"token '{token}' access expired")
        if not hmac.compare_digest(entry["digest"], _token_digest(secret)):
            raise Unauthorized("invalid token value!")
        return identity

    def login(self, user: str, password: str) -> Document:
        """A ticket with its CSRF token for the right password; raises Unauthorized."""
        known = self.users.get(user) or {"enable": 0, "password": "", "salt": "", "expire": 0}
        right = hmac.compare_digest(known["password"], _password_digest(password, known["salt"]))
        if not right or not known["enable"] or 0 < known["expire"] < time.time():
            raise Unauthorized("authentication failure")
        stamp = f"{int(time.time()):08X}"
        return {
            "username": user,
            "ticket": f"PVE:{user}:{stamp}::{self._sign(f'{user}:{stamp}')}",
            "CSRFPreventionToken": f"{stamp}:{self._sign(f'csrf:{user}:{stamp}')}",
            "cap": self._capabilities(user),
        }

    def verify_ticket(self, ticket: str) -> str:
        """The user of a valid ticket; raises Unauthorized."""
        match = re.fullmatch(r"PVE:([^:\s]+):([0-9A-F]{8})::(.+)", ticket)
        if match is None or not self._is_signed(f"{match[1]}:{match[2]}", match[3], match[2]):
            raise Unauthorized("permission denied - invalid PVE ticket")
        self._enabled_user(match[1])
        return match[1]

    def verify_csrf(self, user: str, token: str) -> None:
        """Refuse a write with a ticket but without its CSRF token."""
        stamp, _, signature = token.partition(":")
        if not self._is_signed(f"csrf:{user}:{stamp}", signature, stamp):
            raise Unauthorized("Permission denied - invalid csrf token")

    # -- authorization

    def check(self, user: str, path: str, *privileges: str, any_of: bool = False) -> None:
        """Refuse unless the user has all (or any) of these privileges on the path."""
        if user == "root@pam":
            return
        clean = normalize_path(path)
        held = self.privileges(user, clean) if clean else {}
        if any_of and not any(p in held for p in privileges):
            raise Forbidden(f"{clean}, {'|'.join(privileges)}")
        for privilege in () if any_of else privileges:
            if privilege not in held:
                raise Forbidden(f"{clean}, {privilege}")

    def may(self, user: str, path: str, *privileges: str, any_of: bool = False) -> bool:
        """Whether `check` would pass."""
        try:
            self.check(user, path, *privileges, any_of=any_of)
        except Forbidden:
            return False
        return True

    def check_guest(self, user: str, vmid: int, pool: str | None, *privileges: str) -> None:
        """Refuse unless the privileges are held on the given pool or on the guest."""
        if not (pool and self.may(user, f"/pool/{pool}", *privileges)):
            self.check(user, f"/vms/{vmid}", *privileges)

    def privileges(self, user: str, path: str) -> Roles:
        """Privileges on a path, each with whether it propagates; tokens never exceed the user."""
        match = TOKEN_ID.fullmatch(user)
        if user == "root@pam":
            return dict.fromkeys(PRIVILEGES, True)
        if match is None:
            return self._own_privileges("users", user, path)
        entry = (self.users.get(match[1]) or {}).get("tokens", {}).get(match[2])
        if entry is None:
            return {}
        held = self.privileges(match[1], path)
        if not entry["privsep"]:
            return held
        own = self._own_privileges("tokens", user, path)
        return {name: own[name] and held[name] for name in own if name in held}

    def effective(self, user: str) -> dict[str, dict[str, int]]:
        """Privileges on every path where there are any, for /access/permissions."""
        paths = {*TOP_PATHS, *self.acl}
        for pool, entry in self.pools.items():
            paths |= {f"/pool/{pool}", *(f"/vms/{vmid}" for vmid in entry["vms"])}
        held = {path: self.privileges(user, path) for path in paths}
        return {path: {p: int(on) for p, on in all_.items()} for path, all_ in held.items() if all_}

    def grant(
        self, path: str, roles: list[str], kind: str, ids: list[str], *, propagate: bool = True
    ) -> None:
        """Grant roles on a path to users or tokens (`kind`: "users" or "tokens")."""
        self._change(path, roles, kind, ids, propagate=propagate, delete=False)

    def revoke(self, path: str, roles: list[str], kind: str, ids: list[str]) -> None:
        """Revoke roles on a path."""
        self._change(path, roles, kind, ids, propagate=False, delete=True)

    def pool_of(self, vmid: int | str) -> str | None:
        """The pool a guest is in."""
        return self._pool_of.get(int(vmid))

    def put_pool(self, name: str, pool: Document | None) -> None:
        """Add, change or (None) remove a pool."""
        if pool is None:
            self.pools.delete(name)
        else:
            self.pools.put(name, pool)
        self._pool_of = self._members()

    def _members(self) -> dict[int, str]:
        return {vmid: name for name, pool in self.pools.items() for vmid in pool["vms"]}

    def forget_guest(self, vmid: int) -> None:
        """Remove a destroyed guest from pools and access lists."""
        self.acl.delete(f"/vms/{vmid}")
        pool = self.pool_of(vmid)
        if pool:
            entry = self.pools.get(pool) or {}
            self.put_pool(pool, {**entry, "vms": [v for v in entry["vms"] if v != vmid]})

    def _change(
        self,
        path: str,
        roles: list[str],
        kind: str,
        ids: list[str],
        *,
        propagate: bool,
        delete: bool,
    ) -> None:
        clean = normalize_path(path)
        if not clean or not (delete or ACL_PATH.fullmatch(clean)):
            raise BadParameters({"path": f"invalid ACL path '{path}'"})
        lists = dict(self.acl.get(clean) or {})
        grants = dict(lists.get(kind, {}))
        for name in ids:
            changed = {r: on for r, on in grants.get(name, {}).items() if r not in roles}
            grants[name] = changed if delete else {**changed, **dict.fromkeys(roles, propagate)}
        lists[kind] = {name: held for name, held in grants.items() if held}
        if any(lists.values()):
            self.acl.put(clean, lists)
        else:
            self.acl.delete(clean)

    def _own_privileges(self, kind: str, name: str, path: str) -> Roles:
        roles = self._roles_on(kind, name, path)
        guest = re.fullmatch(r"/vms/(\d+)", path)
        pool = self.pool_of(guest[1]) if guest else None
        if pool:  # privileges from a pool never propagate
            of_pool = self._roles_on(kind, name, f"/pool/{pool}")
            roles = {**dict.fromkeys(of_pool, False), **roles}
        if "NoAccess" in roles:
            return {}
        held: Roles = {}
        for role, propagate in roles.items():
            for privilege in self.role_privileges(role):
                held[privilege] = held.get(privilege, False) or propagate
        return held

    def _roles_on(self, kind: str, name: str, path: str) -> Roles:
        """Roles on the nearest path above that has any for this name (they do not add up)."""
        steps = [part for part in path.split("/") if part]
        roles: Roles = {}
        for depth in range(len(steps) + 1):
            here = "/" + "/".join(steps[:depth])
            granted = (self.acl.get(here) or {}).get(kind, {}).get(name, {})
            usable = {r: on for r, on in granted.items() if on or depth == len(steps)}
            roles = usable or roles
        return roles

    def role_privileges(self, role: str) -> frozenset[str]:
        """Return the privileges of a role; raise Failed if it does not exist."""
        known = self.roles.get(role)
        if role not in ROLES and known is None:
            raise Failed(f"role '{role}' does not exist")
        return ROLES[role] if role in ROLES else frozenset((known or {})["privs"])

    def _enabled_user(self, user: str) -> Document:
        known = self.users.get(user)
        if known is None:
            raise Unauthorized(f"no such user ('{user}')")
        if not known["enable"]:
            raise Unauthorized(f"user '{user}' is disabled")
        if 0 < known["expire"] < time.time():
            raise Unauthorized(f"user '{user}' access expired")
        return known

    def _capabilities(self, user: str) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {area: {} for area in CAPABILITIES}
        for path in ("/", "/nodes", "/access/groups", "/vms", "/storage", "/sdn", "/mapping"):
            area = path.split("/")[1] or "dc"
            held = self.privileges(user, path)
            found[area] |= {p: 1 for p in held if re.match(CAPABILITIES[area], p)}
        return found

    def _sign(self, content: str) -> str:
        digest = hmac.new(self._key, content.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def _is_signed(self, content: str, signature: str, stamp: str) -> bool:
        if not re.fullmatch(r"[0-9A-F]{8}", stamp) or time.time() - int(stamp, 16) > TICKET_LIFE_S:
            return False
        return hmac.compare_digest(signature, self._sign(content))


def normalize_path(path: str) -> str:
    """Return the clean form of an ACL path, or an empty string if the path is invalid."""
    clean = "/" + re.sub(r"/+", "/", path).strip("/")
    return clean if re.fullmatch(r"[A-Za-z0-9._/\-]+", clean) else ""


def _password_digest(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**14, r=8, p=1).hex()


def _token_digest(secret: str) -> str:
    # A plain hash is enough: the secret has 122 random bits and cannot be guessed.
    return hashlib.sha256(secret.encode()).hexdigest()
