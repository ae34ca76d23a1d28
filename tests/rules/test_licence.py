"""Files that import Ansible itself have its licence; all others have the project's."""

import re

from tests.rules.files import ROOT, texts

SPDX = "# SPDX-License-Identifier: GPL-3.0-or-later\n"
IMPORTS_ANSIBLE = re.compile(r"^\s*(?:from|import) ansible\b", re.MULTILINE)
COLLECTION = ROOT / "playbooks/collections/ansible_collections/winux/proxmox"


def test_files_that_import_ansible_say_so_and_no_others() -> None:
    files = texts(".py")
    expected = {str(path) for path, text in files if IMPORTS_ANSIBLE.search(text)}
    assert expected
    assert {str(path) for path, text in files if text.startswith(SPDX)} == expected


def test_both_licences_are_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200]
    assert "GNU GENERAL PUBLIC LICENSE" in (COLLECTION / "LICENSE").read_text()[:200]
