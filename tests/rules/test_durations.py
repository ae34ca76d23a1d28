"""The portal's code has one name for how long a desktop is wanted, and one for when it ends."""

import re

from tests.rules.files import ROOT, project_files

#: `minutes` and `deadline_at` are the names; these others are published, each at one edge.
PUBLISHED = {
    "duration_minutes": ("webapp/api/", "webapp/cli/remote/sessions.py"),
    "session_duration": ("webapp/adapters/ansible.py",),
    "deadline_epoch": ("webapp/adapters/ansible.py",),
}


def test_other_names_for_a_duration_stay_at_the_edge_that_publishes_them() -> None:
    found: dict[str, set[str]] = {name: set() for name in PUBLISHED}
    for file in project_files():
        path = file.relative_to(ROOT).as_posix()
        if file.suffix == ".py" and path.startswith("webapp/"):
            for name in re.findall(rf"\b(?:{'|'.join(PUBLISHED)})\b", file.read_text()):
                found[name].add(path)
    for name, paths in found.items():
        assert paths, f"{name} is published no more"
        assert {path for path in paths if not path.startswith(PUBLISHED[name])} == set(), name
