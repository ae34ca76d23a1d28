"""Runs `ansible-playbook` with its imports done ahead: it starts early and waits for a signal.

Importing Ansible takes about half a second, and reading the tables of its own collection a quarter;
starting early removes this from the time of a launch. The signal is the end of file of the FIFO
named by WINUX_GATE. Run it as a file with `python -P`; the first argument is the playbook.
"""

import contextlib
import gc
import importlib
import os
import sys
import warnings
from pathlib import Path

#: The modules that a run of the playbooks imports anyway, in the order of a run.
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
    # Winux's actions run in forks of this process: a module loaded here need not load in each fork.
    "proxmoxer.backends.https",
)
#: The same for collections. The first one's table locates all plugins of Ansible itself.
COLLECTION_MODULES = (
    "ansible_collections.ansible.builtin",
    *(
        f"ansible_collections.winux.proxmox.plugins.module_utils.{name}"
        for name in ("action", "addresses", "guest", "rdp", "templates")
    ),
)

#: Kinds of plugins whose options each run reads from their documentation, even of unused plugins.
PLUGIN_KINDS = ("connection", "shell", "become", "callback")


def main() -> None:
    """Waits for the signal, then runs `ansible-playbook` with this program's arguments."""
    for name in MODULES:
        importlib.import_module(name)
    _load_collections(Path(sys.argv[1]).resolve().parent)
    gc.freeze()  # the garbage collection of the forks skips these objects
    Path(os.environ["WINUX_GATE"]).read_bytes()
    cli = importlib.import_module("ansible.cli.playbook").PlaybookCLI
    try:
        cli.cli_executor(["ansible-playbook", *sys.argv[1:]])
    except SystemExit as end:
        # Freeing all imported modules takes Python a tenth of a second; Ansible's own files are
        # deleted with the run's folder.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


def _load_collections(playbooks: Path) -> None:
    """Sets up collections as `ansible-playbook` does for this folder, so it does not repeat it."""
    loader = importlib.import_module("ansible.plugins.loader")
    finder = importlib.import_module("ansible.utils.collection_loader")
    loader.init_plugin_loader()
    warnings.filterwarnings("ignore", "AnsibleCollectionFinder has already been configured")
    finder.AnsibleCollectionConfig.playbook_paths = [str(playbooks)]
    for kind in PLUGIN_KINDS:
        list(getattr(loader, f"{kind}_loader").all(class_only=True))
    # A playbook may not need the collection; one that does reports more clearly what is missing.
    with contextlib.suppress(ImportError):
        for name in COLLECTION_MODULES:
            importlib.import_module(name)


if __name__ == "__main__":
    main()
