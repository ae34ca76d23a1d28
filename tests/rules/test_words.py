"""One word per thing: people are suspended, networks have a router, desktops are no sessions."""

import ast
import re

import pytest

from tests.rules.files import texts

#: Where former words stay readable for one release, and where their end is described.
FORMER = {
    "migrations",
    "webapp/settings/table.py",
    "webapp/domain/audit/actions.py",
    "webapp/cli/people.py",
    "docs/admin/cli.md",
    "docs/admin/settings.md",
    "docs/operations/desktops.md",
    "CHANGELOG.md",
    "tests",
}
WORDS = {
    "suspend": r"person[ ._](disable|enable)|disabled_at|(person|people)[a-z_ ]{0,9} disabled"
    r"|disabled (person|people)|accounts\.(disable|enable)\b",
    "router": r"WINUX_GATEWAY\b|pool\.gateway|addresses\.gateway",
}
#: Layers that call a desktop a session, because programs know that word: the API and its client.
OF_PROGRAMS = ("webapp/api/", "webapp/cli/remote/")


@pytest.mark.parametrize("word", WORDS)
def test_a_thing_has_one_word(word: str) -> None:
    found = [
        f"{path}: {match[0]}"
        for path, text in texts(".py", ".md", ".html", ".yml", ".js")
        if not any(str(path).startswith(former) for former in FORMER)
        for match in re.finditer(WORDS[word], text, re.IGNORECASE)
    ]
    assert found == [], f"the word is {word}"


def test_no_class_or_function_calls_a_desktop_a_session() -> None:
    found = [
        f"{path}: {node.name}"
        for path, text in texts(".py")
        if path.parts[0] == "webapp" and not str(path).startswith(OF_PROGRAMS)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and "session" in node.name.lower()
    ]
    assert found == []
