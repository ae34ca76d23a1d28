"""Every code of a refusal has a sentence with the refusal's parameters, and no other has one."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from pkgutil import iter_modules

import pytest
from babel.messages.extract import extract_from_dir

from tests.rules.files import ROOT
from webapp import texts
from webapp.texts.marks import Plural, Text
from webapp.texts.sentences import SENTENCES

#: The constructors of refusals, and what they put before the code.
KINDS = {
    "Refused": "",
    "TooMany": "",
    "BadInput": "bad_input.",
    "NotFound": "not_found.",
    "Conflict": "conflict.",
    "Stale": "conflict.",
}
#: LimitReached makes its code itself; the desktops that run are part of its sentence.
LIMITS = {
    f"{reason}{way_on}"
    for reason, way_on in product(("limit", "template_limit"), ("", ".stopping", ".none"))
}
#: Only prose has spaces.
PROSE = re.compile(r"\s")


@dataclass(frozen=True)
class Raised:
    """A refusal that the code makes."""

    where: str
    code: str
    parameters: frozenset[str]


def codes_of(argument: ast.expr | None) -> list[str]:
    """The code that is passed, or both of an `a if … else b`."""
    if isinstance(argument, ast.IfExp):
        return codes_of(argument.body) + codes_of(argument.orelse)
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return [argument.value]
    return []


def calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    """Each call of a refusal's constructor with the name of its kind, also from a subclass."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in KINDS:
                yield node, node.func.id
        elif isinstance(node, ast.ClassDef) and node.name != "LimitReached":
            kinds = {base.id for base in node.bases if isinstance(base, ast.Name)} & KINDS.keys()
            for call in ast.walk(node) if kinds else ():
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
                    yield call, min(kinds)


def of_source(source: str, where: str) -> Iterator[tuple[ast.Call, str, list[str]]]:
    for call, kind in calls(ast.parse(source)):
        position = 1 if kind == "BadInput" and isinstance(call.func, ast.Name) else 0
        argument = call.args[position] if len(call.args) > position else None
        yield call, f"{where}:{call.lineno}", [KINDS[kind] + code for code in codes_of(argument)]


def sources() -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / "webapp").rglob("*.py")):
        name = file.relative_to(ROOT).as_posix()
        if name != "webapp/domain/errors.py":
            yield name, file.read_text()


def raised() -> list[Raised]:
    return [
        Raised(where, code, frozenset(one.arg or "**" for one in call.keywords) - {"retry_after"})
        for name, source in sources()
        for call, where, codes in of_source(source, name)
        for code in codes
    ]


def forms(text: Text) -> list[str]:
    return [text.one, text.many] if isinstance(text, Plural) else [text]


def placeholders(code: str) -> frozenset[str]:
    sentence = SENTENCES[code]
    joined = " ".join(forms(sentence.message) + forms(sentence.what_to_do))
    return frozenset(re.findall(r"%\((\w+)\)s", joined))


def prose_in(source: str, where: str) -> list[str]:
    """Refusals that are given a text with a space."""
    return [
        place
        for call, place, _ in of_source(source, where)
        for part in ast.walk(call)
        if isinstance(part, ast.Constant) and PROSE.search(str(part.value))
    ]


def test_every_refusal_is_made_with_a_code_that_can_be_found() -> None:
    unknown = [
        where
        for name, source in sources()
        for _call, where, codes in of_source(source, name)
        if not codes
    ]
    assert unknown == []


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    codes = {one.code for one in raised()}
    assert len(codes) > 100
    assert codes | LIMITS == SENTENCES.keys()


def test_a_sentence_names_exactly_the_parameters_of_its_refusal() -> None:
    wrong = [
        f"{one.where}: {one.code} has {sorted(one.parameters)}, its sentence {sorted(wanted)}"
        for one in raised()
        if one.parameters != (wanted := placeholders(one.code) - {"wait"})
    ]
    assert wrong == []


def test_a_code_has_one_sentence() -> None:
    names = [module.name for module in iter_modules(texts.__path__)]
    modules = [import_module(f"webapp.texts.{name}") for name in names if name != "sentences"]
    codes = [code for module in modules for code in getattr(module, "SENTENCES", {})]
    assert sorted(codes) == sorted(SENTENCES)


def test_the_domain_and_the_services_pass_no_prose() -> None:
    found = [
        place
        for name, source in sources()
        if name.startswith(("webapp/domain/", "webapp/services/"))
        for place in prose_in(source, name)
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        'raise Refused("limit", name="no more than this")',
        'raise NotFound("There is no such thing.")',
        'raise BadInput("minutes", f"{minutes} is too much.")',
    ],
)
def test_prose_is_found(source: str) -> None:
    assert prose_in(source, "x.py") == ["x.py:1"]


def test_every_sentence_can_be_translated() -> None:
    keywords = {"_": None, "plural": (1, 2)}
    extracted: set[str] = set()
    for found in extract_from_dir(texts.__path__[0], [("**.py", "python")], {}, keywords):
        message = found[2]
        extracted |= {message} if isinstance(message, str) else set(message)
    said = {
        form
        for sentence in SENTENCES.values()
        for text in (sentence.message, sentence.what_to_do)
        for form in forms(text)
    }
    assert said - {""} <= extracted


def test_pages_take_the_sentence_from_the_catalogue() -> None:
    untranslated = re.compile(r"(?:refusal|complaint|reached|error|full)\.(?:message|what_to_do)\b")
    pages = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "webapp/web").rglob("*.py")]
    assert [page.name for page in pages if untranslated.search(page.read_text())] == []
