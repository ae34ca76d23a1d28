"""`ansible-playbook` with its imports done ahead: started early, it waits for its word to go.

Importing Ansible takes about half a second, and reading the tables of its own collection a quarter,
which a person who launches a desktop need not wait for. The word is the end of file of the FIFO
named by WINUX_GATE. Run as a file with `python -P`, the playbook first.
"""

import contextlib
import gc
import importlib
import os
import sys
import warnings
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
#: The same of collections: the first one's table says where all of Ansible's own plugins are.
COLLECTION_MODULES = (
    "ansible_collections.ansible.builtin",
    *(
        f"ansible_collections.winux.proxmox.plugins.module_utils.{name}"
        for name in ("action", "addresses", "guest", "rdp", "templates")
    ),
)

#: Kinds of plugins whose options each run reads from their documentation, whether it uses them or
#: not.
PLUGIN_KINDS = ("connection", "shell", "become", "callback")


def main() -> None:
    """Wait for the word, then be `ansible-playbook` with this program's arguments."""
    for name in MODULES:
        importlib.import_module(name)
    _load_collections(Path(sys.argv[1]).resolve().parent)
    gc.freeze()  # the forks need not look through all of that for garbage
    Path(os.environ["WINUX_GATE"]).read_bytes()
    cli = importlib.import_module("ansible.cli.playbook").PlaybookCLI
    try:
        cli.cli_executor(["ansible-playbook", *sys.argv[1:]])
    except SystemExit as end:
        # Freeing all that was imported takes Python a tenth of a second; Ansible's own files are
        # deleted with the run's folder.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


def _load_collections(playbooks: Path) -> None:
    """As `ansible-playbook` does it for a playbook in this folder, which then finds it done."""
    loader = importlib.import_module("ansible.plugins.loader")
    finder = importlib.import_module("ansible.utils.collection_loader")
    loader.init_plugin_loader()
    warnings.filterwarnings("ignore", "AnsibleCollectionFinder has already been configured")
    finder.AnsibleCollectionConfig.playbook_paths = [str(playbooks)]
    for kind in PLUGIN_KINDS:
        list(getattr(loader, f"{kind}_loader").all(class_only=True))
    # A playbook may do without our collection; one that needs it says better what is missing.
    with contextlib.suppress(ImportError):
        for name in COLLECTION_MODULES:
            importlib.import_module(name)


if __name__ == "__main__":
    main()
