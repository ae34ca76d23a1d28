"""Documents are correct: links resolve, and everything that exists is described."""

import ast
import re
import tomllib

import pytest

from labnode.setup import ROLES
from tests.rules.files import ROOT, project_files, text_of, texts
from webapp.domain.states import Event, State, diagram
from webapp.gateway.rdp import sequence
from webapp.settings.table import SETTINGS

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s\"[^\"]*\")?\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


def anchors(markdown: str) -> set[str]:
    """Return the fragment names of a Markdown file's headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in HEADING.findall(markdown)
    }


def test_links_in_documents_resolve() -> None:
    broken = []
    for path, text in texts(".md"):
        for target in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, fragment = target.partition("#")
            file = (ROOT / path).parent / name if name else ROOT / path
            if not file.exists() or (
                fragment and file.suffix == ".md" and fragment not in anchors(file.read_text())
            ):
                broken.append(f"{path}: {target}")
    assert broken == []


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_every_setting_is_documented_with_its_default(setting: str) -> None:
    rows = [
        line
        for line in text_of("docs/admin/settings.md").splitlines()
        if line.startswith(f"| `{setting}` |")
    ]
    assert len(rows) == 1, f"docs/admin/settings.md needs one table row for {setting}"
    default = SETTINGS[setting]
    if default is not None and default and str(ROOT) not in default:
        assert f"`{default}`" in rows[0]


def test_every_variable_that_is_read_is_documented() -> None:
    """Includes variables of set-up, tests and playbooks; a trailing `_` is a prefix, not a name."""
    internal = {
        "WINUX_GATE",  # from the worker to the run that it prepares
        "WINUX_RUN",  # marks the processes of one run
        "WINUX_IN_NAMESPACE",  # marks a script that has started itself again
    }
    documented = text_of("docs/admin/settings.md")
    read = {
        name.removesuffix("_FILE") if name.removesuffix("_FILE") in SETTINGS else name
        for path, text in texts(".py", ".yml", ".sh", "")
        if path.parts[:2] != ("tests", "domain")  # these use invented names that must be refused
        for name in re.findall(r"\bWINUX_[A-Z_]*[A-Z]\b", text)
    }
    assert sorted(name for name in read - internal if f"`{name}`" not in documented) == []


def test_no_setting_is_documented_that_does_not_exist() -> None:
    code = "\n".join(text for path, text in texts() if path.parts[0] != "docs")
    documented = re.findall(r"^\| `(\w+)` \|", text_of("docs/admin/settings.md"), re.MULTILINE)
    stack = re.compile(r"WINUX_(DEMO|BENCH|TEST)_")
    assert [name for name in documented if stack.sub("", name) not in code] == []


@pytest.mark.parametrize("document", ["README.md", "docs/admin/proxmox.md"])
def test_documented_rights_are_those_that_the_lab_node_grants(document: str) -> None:
    """The rights of the lab node's tokens are exactly those that the documents grant."""
    commands = re.findall(r'pveum role add (\w+) -privs "([^"]+)"', (ROOT / document).read_text())
    documented = {role: set(privileges.split()) for role, privileges in commands}
    granted = {role: set(privileges) for role, privileges in ROLES.items()}
    if document == "README.md":
        del granted["WinuxUpload"]  # only for building templates; the longer text has it
    assert documented == granted


def test_every_make_target_is_explained() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    explained = set(re.findall(r"^([a-z]+):.*## \S", (ROOT / "Makefile").read_text(), re.MULTILINE))
    internal = {"python", "prepare-test", "prepare-check"}
    assert targets - internal == explained
    contributing = (ROOT / "CONTRIBUTING.md").read_text() + (ROOT / "README.md").read_text()
    assert [name for name in explained - {"help"} if f"make {name}" not in contributing] == []


def test_every_role_has_a_readme_and_checked_arguments() -> None:
    roles = [path for path in (ROOT / "playbooks/roles").iterdir() if path.is_dir()]
    assert roles
    for role in roles:
        assert (role / "README.md").is_file(), f"{role.name} has no README.md"
        assert (role / "meta/argument_specs.yml").is_file(), f"{role.name} has no argument specs"


def test_every_playbook_is_in_the_operators_manual() -> None:
    manual = text_of("docs/operations/**/*.md")
    playbooks = [path.name for path in (ROOT / "playbooks").glob("*.yml")]
    assert playbooks
    assert [name for name in playbooks if name not in manual] == []


def test_every_dependency_has_its_reason() -> None:
    reasons = (ROOT / "docs/decisions/0000-dependencies.md").read_text().lower()
    pinned = []
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            requirement = line.partition("#")[0].strip()
            if requirement and not requirement.startswith("-r"):
                assert "==" in requirement, f"{name}: {requirement} is not pinned"
                pinned.append(requirement.partition("==")[0])
    assert [name for name in pinned if f"| {name.lower()} |" not in reasons] == []


def test_every_dependency_is_used() -> None:
    """Each is imported, is a program that is run, or is required by another package."""
    not_imported = {
        "ansible-core",  # ansible-playbook
        "gunicorn",  # the web server that loads wsgi:app
        "psycopg",  # SQLAlchemy's driver for PostgreSQL
        "psycopg-binary",
        "requests-toolbelt",  # proxmoxer's uploads
    }
    module_of = {"argon2-cffi": "argon2"}
    code = "\n".join(text for path, text in texts(".py") if path.parts[0] != "tests")
    required = re.findall(r"^([\w-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    unused = [
        name
        for name in sorted(set(required) - not_imported)
        if not re.search(
            rf"^\s*(from|import) {module_of.get(name, name).lower().replace('-', '_')}\b",
            code,
            re.MULTILINE,
        )
    ]
    assert unused == []


@pytest.mark.parametrize("kind", ["", "-dev", "-modules"])
def test_a_lock_pins_what_is_required_by_hashes_alone(kind: str) -> None:
    """It has every package with hashes, and neither hosts nor addresses of a registry."""
    lock = (ROOT / f"requirements{kind}.lock").read_text()
    packages = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)[1:]
    form = re.compile(r"[\w.-]+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n")
    assert [package for package in packages if not form.fullmatch(package)] == []
    pinned = {package.split()[0].lower() for package in packages}
    lines = (ROOT / f"requirements{kind}.txt").read_text().splitlines()
    assert [line for line in lines if "==" in line and line.lower() not in pinned] == []
    run = (ROOT / "requirements.lock").read_text() if kind == "-dev" else ""
    assert [pin for pin in re.findall(r"^\S+==\S+", run, re.MULTILINE) if pin not in pinned] == []


def test_the_diagram_in_the_architecture_is_the_table() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert f"```mermaid\n{diagram()}\n```" in text
    names = [state.name for state in State] + [event.name for event in Event]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_phases_in_the_architecture_are_the_gateways_table() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert f"```mermaid\n{sequence.diagram()}\n```" in text
    assert f"\n\n{sequence.table()}\n\n" in text


def test_modules_say_what_belongs_in_them() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in project_files()
        if file.suffix == ".py"
        and file.relative_to(ROOT).parts[0] in {"webapp", "labnode", "setup", "bench"}
        and not ast.get_docstring(ast.parse(file.read_text()))
    ]
    assert silent == []


def test_decisions_are_numbered_and_have_a_status() -> None:
    records = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert records
    numbers = [record.name[:4] for record in records]
    assert len(set(numbers)) == len(numbers), "two decision records carry the same number"
    for record in records:
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", record.name), record.name
        assert "Status:" in record.read_text(), f"{record.name} has no `Status:` line"


def test_configuration_of_the_checks_is_strict() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert tools["mypy"]["strict"] is True
    assert tools["pytest"]["ini_options"]["filterwarnings"][0] == "error"
