# SPDX-License-Identifier: GPL-3.0-or-later
"""`lookup('winux.proxmox.setting', NAME)`: a setting, from the same sources as in the portal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.winux.proxmox.plugins.module_utils.env_file import BadEnvFile, with_file

DOCUMENTATION = r"""
---
name: setting
short_description: Read a setting from the environment or the settings file
version_added: 1.0.0
author: [Winux (@winux)]
description:
  - A setting in the environment wins over the settings file.
  - The file is the one that E(WINUX_ENV_FILE) names, else that of a running demo
    (C(var/demo/winux.env) in the checkout), else C(/etc/winux/winux.env).
  - If C(NAME_FILE) is set, the value is what that file holds.
options:
  _terms:
    description: The names of the settings.
    required: true
    type: list
    elements: str
  default:
    description: The value if it is not set. Without a default a missing setting is an error.
    type: str
"""

EXAMPLES = r"""
- name: Say where the API is
  ansible.builtin.debug:
    msg: "{{ lookup('winux.proxmox.setting', 'proxmox_api_host', default='127.0.0.1') }}"
"""

RETURN = r"""
_raw:
  description: The values.
  type: list
  elements: str
"""

#: The checkout that holds this collection.
CHECKOUT = Path(__file__).absolute().parents[7]


class LookupModule(LookupBase):
    """Reads the settings file anew for each lookup, so that a long-lived process sees changes."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **options: Any
    ) -> list[str]:
        self.set_options(var_options=variables, direct=options)
        try:
            settings = with_file(os.environ, CHECKOUT)
        except BadEnvFile as error:
            raise AnsibleError(str(error)) from error
        return [self._value(settings, name) for name in terms]

    def _value(self, settings: dict[str, str], name: str) -> str:
        if file := settings.get(f"{name}_FILE"):
            return _content(name, file)
        value = settings.get(name) or self.get_option("default")
        if value is None:
            raise AnsibleError(
                f"{name} is not set. Set it in the environment or in a settings file: "
                "docs/admin/settings.md#the-settings-file"
            )
        return str(value)


def _content(name: str, file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AnsibleError(f"{name}_FILE names {file}, which cannot be read: {error}") from error
