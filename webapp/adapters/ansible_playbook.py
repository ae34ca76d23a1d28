"""`ansible-playbook` with its imports done ahead: started early, it waits for its word to go.

Importing Ansible takes about half a second, which a person who launches a desktop need not wait
for. The word is the end of file of the FIFO named by WINUX_GATE. Run as a file with `python -P`.
"""

import gc
import importlib
import os
import sys
from pathlib import Path

#: What a run of our playbooks imports anyway, in the order it would.
MODULES = (
    "ansible.cli.playbook",
    "ansible.executor.playbook_executor",
    "ansible.executor.task_queue_manager",
    "ansible.executor.module_common",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.connection.local",
    "ansible.plugins.connection.ssh",
    "ansible.plugins.shell.sh",
    "ansible.plugins.action.normal",
    "ansible.plugins.callback.default",
    "ansible.plugins.filter.core",
    "ansible.plugins.test.core",
    "ansible.plugins.lookup.file",
    "ansible.plugins.inventory.auto",
    "ansible.plugins.inventory.host_list",
    "ansible.plugins.inventory.ini",
    "ansible.plugins.inventory.script",
    "ansible.plugins.inventory.toml",
    "ansible.plugins.inventory.yaml",
    "ansible.plugins.vars.host_group_vars",
    "ansible.plugins.cache.memory",
    # Our actions run in forks of this process: what is loaded here is loaded in none of them.
    "proxmoxer.backends.https",
)


def main() -> int:
    """Wait for the word, then be `ansible-playbook` with this program's arguments."""
    for name in MODULES:
        importlib.import_module(name)
    gc.freeze()  # the forks need not look through all of that for garbage
    Path(os.environ["WINUX_GATE"]).read_bytes()
    cli = importlib.import_module("ansible.cli.playbook").PlaybookCLI
    return int(cli.cli_executor(["ansible-playbook", *sys.argv[1:]]) or 0)


if __name__ == "__main__":
    sys.exit(main())
