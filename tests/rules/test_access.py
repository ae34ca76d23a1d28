"""Only `domain/access.py` says who may do what, and docs/admin/roles.md shows its table."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rules.files import text_of, texts
from webapp.domain.access import RULES, Action, Reach, Rule, Subject, reach
from webapp.domain.people.keys import Scope
from webapp.domain.people.roles import Role

#: The folders whose code must ask `domain/access.py`.
CODE = ("webapp", "bench", "setup", "templates")
#: Names of earlier checks, which stood beside the one place.
FORMER = re.compile(r"\b(is_admin|as_admin|admin_only|belongs_to)\b")
#: The one place, and the audit log's column "role then", which only describes who acted.
DECIDES = {
    Path("webapp/domain/access.py"),
    Path("webapp/cli/audit.py"),
    Path("webapp/services/audit/log.py"),
    Path("webapp/services/audit/record.py"),
}
#: `make_person(…, is_admin=True)` makes an account by a command; it checks nothing.
MAKES_ACCOUNTS = {Path("setup/portal.py"), Path("setup/demo.py")} | {
    Path("bench") / name for name in ("pages.py", "scale.py", "api.py")
}
TABLE_ROW = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \|(.*)\|$", re.MULTILINE)


def sources() -> Iterator[tuple[Path, str]]:
    for path, text in texts(".py", ".html"):
        if path.parts[0] in CODE:
            yield path, text


def own_checks(path: Path, text: str) -> list[str]:
    """The lines of a file that decide by themselves who may do something."""
    found = []
    if path not in MAKES_ACCOUNTS:
        found += [f"{path}: {one}" for one in FORMER.findall(text)]
    if path.suffix == ".py":
        found += [
            f"{path}:{node.lineno}: compares a role"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Compare) and any(map(is_role, [node.left, *node.comparators]))
        ]
    return found


def is_role(node: ast.expr) -> bool:
    """Whether the expression names a role: `Role.ADMIN`, `(Role.ADMIN, …)` or `person.role`."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(is_role, node.elts))
    if not isinstance(node, ast.Attribute):
        return False
    return node.attr == "role" or (isinstance(node.value, ast.Name) and node.value.id == "Role")


def test_nothing_else_decides_by_role() -> None:
    assert [
        one for path, text in sources() if path not in DECIDES for one in own_checks(path, text)
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        "x = person.role == wanted",
        "if Role.ADMIN is who: pass",
        "x = who in (Role.ADMIN, Role.OPERATOR)",
        "x = actor.is_admin",
        "desktop.belongs_to(one)",
    ],
)
def test_the_rule_finds_a_check_elsewhere(text: str) -> None:
    assert own_checks(Path("webapp/services/new.py"), text)


def test_the_document_shows_the_table_of_the_code() -> None:
    rows = {
        name: [cell.strip() for cell in cells.split("|")][1:]
        for name, cells in TABLE_ROW.findall(text_of("docs/admin/roles.md"))
    }
    assert rows == {action: cells(rule, action) for action, rule in RULES.items()}


def cells(rule: Rule, action: Action) -> list[str]:
    """The cells of an action's row: the scope for one's own, then what each role may reach."""
    scope = f"`{rule.own}`" if rule.own else "–"
    return [scope, *(WORDS[reach(Subject(1, role=role), action)] for role in Role)]


WORDS = {Reach.NOTHING: "–", Reach.OWN: "own", Reach.ALL: "all"}


def test_every_action_has_a_rule_and_is_asked_for() -> None:
    assert set(RULES) == set(Action)
    code = "\n".join(text for path, text in sources() if path != Path("webapp/domain/access.py"))
    unused = [one for one in Action if f"Action.{one.name}" not in code and f'"{one}"' not in code]
    assert unused == []


def test_a_key_never_gives_more_than_its_person_has() -> None:
    order = list(Reach)
    for role in Role:
        for action in Action:
            person = order.index(reach(Subject(1, role=role), action))
            for scope in Scope:
                key = order.index(reach(Subject(1, role=role, scope=scope), action))
                assert key <= person, (role, action, scope)
