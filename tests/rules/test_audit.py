"""Every act and refusal is written to the audit log, and every entry has a sentence."""

import ast
from collections.abc import Iterator

from tests.rules.files import ROOT
from webapp.domain.audit.actions import subject_kind
from webapp.web.desktops.desktop_history import ACTIONS
from webapp.web.texts.audit import SENTENCES

SERVICES = sorted((ROOT / "webapp/services").rglob("*.py"))
API = sorted((ROOT / "webapp/api").rglob("*.py"))

#: Public methods that write without an entry, and the reason.
SILENT = {
    "Accounts.signed_in": "only when a sign-in was last seen",
    "Cleanups.do_one": "how far a round is; what it does are entries",
    "Deliverer.claim": "who sends a delivery",
    "Deliverer.claim_this": "who sends a delivery",
    "Deliverer.deliver": "what became of a delivery, which is kept with it",
    "Deliverer.deliver_one": "what became of a delivery, which is kept with it",
    "Deliverer.forget_old": "deliveries that were over long ago",
    "CloneQueue.take": "a turn in the queue, of no person's asking",
    "Connections.beat": "what connections carry; their opening and end are entries",
    "Doctor.examine_and_keep": "what an examination found",
    "Heartbeat.beat": "that a worker lives",
    "Heartbeat.end": "that a worker is gone",
    "IdleWatch.ask_one": "when somebody last did something",
    "IdleWatch.forgive": "when somebody last did something",
    "IdleWatch.warn_one": "that a warning was shown",
    "Keys.identify": "only when a key was last used",
    "Leases.claim": "who works on a row",
    "Leases.release_held_by": "who works on a row",
    "Leases.giving_back": "who works on a row; whoever gives it back writes the entry",
    "Leases.renew": "who works on a row",
    "Leases.take": "who works on a row",
    "NodeWatch.look": "how the nodes are",
    "Presence.heartbeat": "that a page is being looked at",
    "Presence.left": "that a page was closed; if its desktop ends for that, this is an entry",
    "Reconciler.rehearse": "it only tells what reconciling would do",
    "IdempotencyKeys.begin": "that a request may come twice",
    "IdempotencyKeys.finish": "that a request may come twice",
    "IdempotencyKeys.forget": "that a request may come twice",
    "SignInAttempts.count": "that a sign-in is tried; its refusal is an entry",
    "SignInAttempts.count_key": "that a key is tried; its refusal is an entry",
    "Steps.begin": "how far a run is",
    "Tallies.settle": "counts of what happened",
    "Tickets.issue": "the right to connect; the connection itself is an entry",
}
#: The kinds of objects of entries.
KINDS = {
    "api",
    "audit",
    "cleanup",
    "database",
    "desktop",
    "node",
    "page",
    "person",
    "template",
    "webhook",
}
#: Acts that are never refused, and the functions that write refusals.
NEVER_REFUSED = {
    "Accounts.sign_out",
    "Audit.refusals",
    "Audit.refuse",
    "AuditLog.export",
    "Cleanups.ask",
}
#: The names that begin a write transaction.
WRITES = "a transaction that writes"
#: The functions that write an entry, or pass the transaction to one that does.
WRITES_ENTRY = {"record", "drain_desktop", "_admission"}


def classes() -> Iterator[tuple[str, dict[str, ast.FunctionDef]]]:
    """Return each class of the services with its methods and its module's functions, by name."""
    for path in SERVICES:
        tree = ast.parse(path.read_text())
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                own = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}
                yield node.name, functions | own


def words_of(name: str, known: dict[str, ast.FunctionDef]) -> set[str]:
    """Return all names in a function and in what it calls of its class and module."""
    words: set[str] = set()
    waiting, seen = [name], set()
    while waiting:
        one = waiting.pop()
        if one in seen or one not in known:
            continue
        seen.add(one)
        nodes = list(ast.walk(known[one]))
        found = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        found |= {node.id for node in nodes if isinstance(node, ast.Name)}
        found |= {WRITES for node in nodes if ast.unparse(node) in {"self._db.begin", "db.begin"}}
        words |= found
        waiting += found
    return words


def writing_methods() -> Iterator[tuple[str, ast.FunctionDef, set[str]]]:
    """Return every public method that opens a write transaction."""
    for class_name, known in classes():
        for name, function in known.items():
            words = words_of(name, known)
            is_own = not name.startswith("_") and function.args.args[:1]
            if is_own and function.args.args[0].arg == "self" and WRITES in words:
                yield f"{class_name}.{name}", function, words


def test_every_method_that_writes_leaves_an_entry_or_says_why_not() -> None:
    found = {name: words for name, _, words in writing_methods()}
    assert len(found) > 30
    silent = {name for name, words in found.items() if not words & WRITES_ENTRY}
    assert silent - SILENT.keys() - {"Audit.refusals", "Audit.refuse"} == set()
    assert SILENT.keys() - silent == set(), "these write entries or are gone"


def test_whatever_a_person_asks_for_leaves_an_entry_when_it_is_refused() -> None:
    without = {
        name
        for name, function, words in writing_methods()
        if any(one.arg == "actor" for one in function.args.args)
        and "refusals" not in words
        and name not in SILENT
    }
    assert without - NEVER_REFUSED == set()


def actions() -> set[str]:
    """Return all actions that the code writes: the strings that name one."""
    found = set()
    for path in [*SERVICES, *(ROOT / "webapp/http").glob("*.py"), *API]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in {"record", "refusals", "refuse"}:
                constants = [one.value for one in node.args if isinstance(one, ast.Constant)]
                found |= {value for value in constants if is_action(value)}
    return found | {
        "node.use",
        "node.drain",
        "webhook.enable",
        "webhook.disable",
        "desktop.warm",
        "desktop.ready",
    }


def is_action(value: object) -> bool:
    return isinstance(value, str) and (value in {"sign_in", "sign_out"} or "." in value[1:-1])


def test_every_action_has_words_and_a_kind() -> None:
    written = actions()
    assert len(written) > 30
    assert sorted(action for action in written if action not in SENTENCES) == []
    assert sorted(SENTENCES.keys() - written) == []
    kinds = {subject_kind(action) for action in written}
    assert kinds <= KINDS


def test_every_act_on_a_desktop_has_words_in_its_activity() -> None:
    acts = {action for action, (done, _refused) in SENTENCES.items() if done}
    of_desktops = {action for action in acts if subject_kind(action) == "desktop"}
    assert sorted(of_desktops - ACTIONS.keys()) == []
