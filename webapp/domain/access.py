"""Who may do what: the only place that allows or denies an action.

`RULES` is the table, `decide` answers for one resource, `reach` for lists and menus.
docs/admin/roles.md shows the same table; a test compares the two.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from webapp.domain.people.keys import Scope
from webapp.domain.people.roles import Role


class Action(StrEnum):
    """What a person, a program or Winux can ask to do: `<kind of resource>.<act>`."""

    DESKTOP_LAUNCH = "desktop.launch"
    DESKTOP_SEE = "desktop.see"
    DESKTOP_RDP_FILE = "desktop.rdp_file"
    DESKTOP_OPEN = "desktop.open"
    DESKTOP_REVEAL_PASSWORD = "desktop.reveal_password"  # noqa: S105 — the name of an action
    DESKTOP_EXTEND = "desktop.extend"
    DESKTOP_PAUSE = "desktop.pause"
    DESKTOP_RESUME = "desktop.resume"
    DESKTOP_STOP = "desktop.stop"
    DESKTOP_ADOPT = "desktop.adopt"
    CONNECTION_SEE = "connection.see"
    CONNECTION_CUT = "connection.cut"
    TEMPLATE_SEE = "template.see"
    TEMPLATE_TRY = "template.try"
    TEMPLATE_MANAGE = "template.manage"
    POOL_SEE = "pool.see"
    POOL_CHANGE = "pool.change"
    NODE_SEE = "node.see"
    NODE_MANAGE = "node.manage"
    DIFFERENCE_SEE = "difference.see"
    DOCTOR_SEE = "doctor.see"
    CLEANUP_SEE = "cleanup.see"
    CLEANUP_ASK = "cleanup.ask"
    STATISTICS_SEE = "statistics.see"
    ACCOUNT_SEE = "account.see"
    ACCOUNT_CHANGE = "account.change"
    PERSON_SEE = "person.see"
    PERSON_MANAGE = "person.manage"
    KEY_SEE = "key.see"
    KEY_ADD = "key.add"
    KEY_REVOKE = "key.revoke"
    WEBHOOK_SEE = "webhook.see"
    WEBHOOK_MANAGE = "webhook.manage"
    AUDIT_READ = "audit.read"
    AUDIT_EXPORT = "audit.export"


class Internal(StrEnum):
    """Subjects that are no person with an account; they stand where a person's role stands."""

    WINUX = "winux"
    """Winux itself: expiry, reconciliation, set-up."""
    COMMAND_LINE = "command line"
    """An operator who runs commands on the portal's machine: an admin without an account."""


@dataclass(frozen=True)
class Subject:
    """Who asks. Without a `person_id` and with the role person: a caller without a sign-in."""

    person_id: int | None
    role: Role | Internal = field(default=Role.PERSON, kw_only=True)
    scope: Scope | None = field(default=None, kw_only=True)
    """The highest scope of the API key that was used; None if no key was used."""
    is_own_only: bool = field(default=False, kw_only=True)
    """Whether the role does not count: on the pages of one's own desktops, keys and account."""


class Kind(StrEnum):
    """The kinds of resources that have an owner."""

    DESKTOP = "desktop"
    CONNECTION = "connection"
    KEY = "key"
    ACCOUNT = "account"
    SITE = "site"
    """Everything without an owner: pools, nodes, templates, people, webhooks, the audit log."""


@dataclass(frozen=True)
class Resource:
    """What the action is done to."""

    kind: Kind
    owner_id: int | None = None
    """The person it belongs to; None if it has no owner, such as a desktop in the pool."""


#: The resource of actions on things that no person owns.
SITE = Resource(Kind.SITE)


class Reason(StrEnum):
    """Why an action is denied; stable codes."""

    SCOPE = "scope"
    """The person may do it, but not with this key, or not on a page of their own things."""
    OWNER = "owner"
    """Only the resource's owner may do it, whatever the role."""
    ROLE = "role"
    """The role does not allow it."""


@dataclass(frozen=True)
class Allowed:
    """The action may be done."""


@dataclass(frozen=True)
class Denied:
    """The action may not be done."""

    reason: Reason


class Reach(StrEnum):
    """The resources that an action is allowed on."""

    NOTHING = "nothing"
    OWN = "own"
    ALL = "all"


@dataclass(frozen=True)
class Rule:
    """Who may do one action."""

    own: Scope | None
    """The scope that an API key needs to do it to its person's own things; None: it is not an
    action on things that a person owns."""
    roles: frozenset[Role | Internal]
    """Who may do it to everything. An API key needs the scope admin for it."""


def _rule(own: Scope | None, *roles: Role | Internal) -> Rule:
    return Rule(own, frozenset(roles))


_NOBODY_ELSE: tuple[Role, ...] = ()
_ADMIN = (Role.ADMIN,)
_OPERATORS = (Role.OPERATOR, Role.ADMIN)
_AUDITORS = (Role.AUDITOR, Role.ADMIN)
_READERS = (Role.OPERATOR, Role.AUDITOR, Role.ADMIN)

RULES: Mapping[Action, Rule] = {
    Action.DESKTOP_LAUNCH: _rule(Scope.LAUNCH, *_NOBODY_ELSE),
    Action.DESKTOP_SEE: _rule(Scope.READ, *_READERS),
    Action.DESKTOP_RDP_FILE: _rule(Scope.READ, *_NOBODY_ELSE),
    Action.DESKTOP_OPEN: _rule(Scope.LAUNCH, *_NOBODY_ELSE),
    Action.DESKTOP_REVEAL_PASSWORD: _rule(Scope.LAUNCH, *_NOBODY_ELSE),
    Action.DESKTOP_EXTEND: _rule(Scope.LAUNCH, *_OPERATORS),
    Action.DESKTOP_PAUSE: _rule(Scope.LAUNCH, *_OPERATORS),
    Action.DESKTOP_RESUME: _rule(Scope.LAUNCH, *_OPERATORS),
    Action.DESKTOP_STOP: _rule(Scope.LAUNCH, *_OPERATORS),
    Action.DESKTOP_ADOPT: _rule(None, *_ADMIN),
    Action.CONNECTION_SEE: _rule(Scope.READ, *_READERS),
    Action.CONNECTION_CUT: _rule(Scope.LAUNCH, *_OPERATORS),
    Action.TEMPLATE_SEE: _rule(Scope.READ, *_READERS),
    Action.TEMPLATE_TRY: _rule(None, *_OPERATORS),
    Action.TEMPLATE_MANAGE: _rule(None, *_OPERATORS),
    Action.POOL_SEE: _rule(None, *_READERS),
    Action.POOL_CHANGE: _rule(None, *_OPERATORS),
    Action.NODE_SEE: _rule(None, *_READERS),
    Action.NODE_MANAGE: _rule(None, *_OPERATORS),
    Action.DIFFERENCE_SEE: _rule(None, *_READERS),
    Action.DOCTOR_SEE: _rule(None, *_READERS),
    Action.CLEANUP_SEE: _rule(None, *_READERS),
    Action.CLEANUP_ASK: _rule(None, *_OPERATORS),
    Action.STATISTICS_SEE: _rule(None, *_READERS),
    Action.ACCOUNT_SEE: _rule(Scope.READ, *_NOBODY_ELSE),
    Action.ACCOUNT_CHANGE: _rule(Scope.LAUNCH, *_NOBODY_ELSE),
    Action.PERSON_SEE: _rule(None, *_AUDITORS),
    Action.PERSON_MANAGE: _rule(None, *_ADMIN),
    Action.KEY_SEE: _rule(Scope.READ, *_AUDITORS),
    Action.KEY_ADD: _rule(Scope.LAUNCH, Internal.COMMAND_LINE),
    Action.KEY_REVOKE: _rule(Scope.LAUNCH, *_ADMIN),
    Action.WEBHOOK_SEE: _rule(None, *_AUDITORS),
    Action.WEBHOOK_MANAGE: _rule(None, *_ADMIN),
    Action.AUDIT_READ: _rule(None, *_AUDITORS),
    Action.AUDIT_EXPORT: _rule(None, *_AUDITORS),
}
#: The roles that allow more than every person may.
_HAS_MORE = frozenset(role for rule in RULES.values() for role in rule.roles)
#: Actions on one's own things that a key without the scope admin cannot do: only a sign-in can.
_NOT_WITH_A_SMALL_KEY = frozenset({Action.KEY_ADD})


def decide(subject: Subject, action: Action, resource: Resource = SITE) -> Allowed | Denied:
    """Decides whether the subject may do the action to the resource.

    Raises ValueError if the action is not about that kind of resource: a defect of the caller.
    """
    if resource.kind is not Kind.SITE and action.partition(".")[0] != resource.kind:
        raise ValueError(f"{action} is not done to a {resource.kind}")
    return _judge(subject, action, is_own=is_owner(subject, resource))


def decide_on_anything(subject: Subject, action: Action) -> Allowed | Denied:
    """Decides whether the subject may do the action to anything at all."""
    return _judge(subject, action, is_own=subject.person_id is not None)


def is_owner(subject: Subject, resource: Resource) -> bool:
    """Whether the resource is the subject's own; never so for a resource without an owner."""
    return resource.owner_id is not None and resource.owner_id == subject.person_id


def may(subject: Subject, action: Action, resource: Resource = SITE) -> bool:
    """Whether `decide` allows it."""
    return isinstance(decide(subject, action, resource), Allowed)


def reach(subject: Subject, action: Action) -> Reach:
    """Returns which resources the subject may do the action to: for lists, menus and routes."""
    rule = RULES[action]
    counts_in_full = not subject.is_own_only and subject.scope in (None, Scope.ADMIN)
    if counts_in_full and _is_of_role(subject.role, rule):
        return Reach.ALL
    if rule.own is None or subject.person_id is None or not _allows(subject.scope, action):
        return Reach.NOTHING
    return Reach.OWN


def _judge(subject: Subject, action: Action, *, is_own: bool) -> Allowed | Denied:
    enough = (Reach.ALL, Reach.OWN) if is_own else (Reach.ALL,)
    if reach(subject, action) in enough:
        return Allowed()
    if reach(Subject(subject.person_id, role=subject.role), action) in enough:
        return Denied(Reason.SCOPE)
    return Denied(Reason.ROLE if RULES[action].roles else Reason.OWNER)


def needed_scope(action: Action) -> Scope:
    """Returns the lowest scope with which a key can do the action to anything."""
    return RULES[action].own or Scope.ADMIN


def held_scopes(granted: Iterable[Scope], role: Role) -> frozenset[Scope]:
    """Returns all scopes that a key with these ones has while its person has this role."""
    order = list(Scope)
    highest = max((order.index(scope) for scope in granted), default=-1)
    dropped = frozenset() if may_grant(role, Scope.ADMIN) else {Scope.ADMIN}
    return frozenset(order[: highest + 1]) - dropped


def may_grant(role: Role, scope: Scope) -> bool:
    """Whether a key of a person with this role can have the scope: admin needs a role that allows
    more than every person may."""
    return scope is not Scope.ADMIN or role in _HAS_MORE


def subject_of_key(person_id: int, role: Role, granted: Iterable[Scope]) -> Subject:
    """Returns the subject of a request with a key that has these scopes."""
    held = held_scopes(granted, role)
    highest = max(held, key=list(Scope).index, default=Scope.READ)
    return Subject(person_id, role=role, scope=highest)


def _is_of_role(role: Role | Internal, rule: Rule) -> bool:
    match role:
        case Internal.WINUX:
            return bool(rule.roles)
        case Internal.COMMAND_LINE:
            return Role.ADMIN in rule.roles or role in rule.roles
        case _:
            return role in rule.roles


def _allows(scope: Scope | None, action: Action) -> bool:
    """Whether a key with this scope may do the action to its person's own things."""
    if scope is None or scope is Scope.ADMIN:
        return True
    order = list(Scope)
    is_high_enough = order.index(scope) >= order.index(needed_scope(action))
    return is_high_enough and action not in _NOT_WITH_A_SMALL_KEY
