"""Faulty playbooks, and a search for what their runs leave."""

import os
import subprocess
from pathlib import Path

import psutil

#: Seconds. Long enough for a test to find it still running, and unique to this process, because
#: other test processes search for their own number at the same time.
LONG = 900_000_000 + os.getpid()

HEAD = """\
- name: A play
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""

RESULT = """\
        content: >-
          {"node": "lab", "address": "{{ container_address }}",
          "ssh_host_key_sha256": "SHA256:{{ 'k' * 43 }}",
          "rdp_certificate_sha256": "{{ 'c' * 64 }}",
          "rdp_certificate_pem":
          "-----BEGIN CERTIFICATE-----\\nAA==\\n-----END CERTIFICATE-----\\n"}
"""

PLAYBOOKS = {
    "good": f"""\
{HEAD}
  roles: [desktop_clone, desktop_start]
  post_tasks:
    - name: Report
      ansible.builtin.copy:
        dest: "{{{{ result_file }}}}"
        mode: "0600"
{RESULT}""",
    "silent": f"""\
{HEAD}
  tasks:
    - name: Say nothing
      ansible.builtin.meta: noop
""",
    "hang": f"""\
{HEAD}
  roles: [desktop_clone]
  tasks:
    - name: Hang
      ansible.builtin.command: sleep {LONG}
      changed_when: false
""",
    "daemons": f"""\
{HEAD}
  tasks:
    - name: Start daemons that leave their session and their parents
      ansible.builtin.shell: |
        setsid nohup sleep {LONG} >/dev/null 2>&1 &
        (setsid sh -c 'trap "" TERM HUP INT; sleep {LONG}; sleep {LONG}' &) &
      changed_when: false
    - name: Start a job of Ansible's own
      ansible.builtin.command: sleep {LONG}
      async: 1000
      poll: 0
      changed_when: false
    - name: Hang
      ansible.builtin.command: sleep {LONG}
      changed_when: false
""",
    "leftover": f"""\
{HEAD}
  tasks:
    - name: Leave a daemon behind and fail
      ansible.builtin.shell: setsid nohup sleep {LONG} >/dev/null 2>&1 & exit 3
      changed_when: false
""",
    "flood of output": f"""\
{HEAD}
  tasks:
    - name: Print 100 MB and fail
      ansible.builtin.shell: head -c 100000000 /dev/zero | tr '\\0' 'x'; exit 1
      changed_when: false
""",
    "flood of words": f"""\
{HEAD}
  tasks:
    - name: Fail with a message of 100 MB
      ansible.builtin.fail:
        msg: "{{{{ 'x' * 100000000 }}}}"
""",
    "flood of lines": f"""\
{HEAD}
  tasks:
    - name: Show 1 MB a hundred times
      ansible.builtin.debug:
        msg: "{{{{ 'line after line' * 70000 }}}}"
      loop: "{{{{ range(100) | list }}}}"
    - name: Fail
      ansible.builtin.fail:
        msg: at last
""",
    "secret": f"""\
{HEAD}
  tasks:
    - name: Show every secret, plain and encoded
      ansible.builtin.command:
        cmd: cat {{{{ secrets_file }}}}
      register: shown
      changed_when: false
    - name: Fail with them
      ansible.builtin.fail:
        msg: >-
          {{{{ shown.stdout }}}} {{{{ shown.stdout | b64encode }}}}
          {{{{ (shown.stdout | from_json).rdp_password | b64encode }}}}
""",
    "hidden": f"""\
{HEAD}
  tasks:
    - name: Fail in secret
      ansible.builtin.fail:
        msg: secret
      no_log: true
""",
    "ignored": f"""\
{HEAD}
  tasks:
    - name: Fail, which is expected
      ansible.builtin.fail:
        msg: not this one
      ignore_errors: true
    - name: Fail for good
      ansible.builtin.fail:
        msg: The storage local-lab is full.
""",
    "broken": "- this is no play\n",
}


def write_playbooks(folder: Path, name: str) -> None:
    """Write `name` as both of the portal's playbooks, with small roles beside it."""
    for role in ("desktop_clone", "desktop_start"):
        tasks = folder / "roles" / role / "tasks"
        tasks.mkdir(parents=True, exist_ok=True)
        tasks.joinpath("main.yml").write_text(
            "- name: Do something\n  ansible.builtin.debug:\n    msg: hello\n"
        )
    for playbook in ("create-winux-session.yml", "destroy-winux-session.yml"):
        folder.joinpath(playbook).write_text(PLAYBOOKS[name])
    folder.joinpath("ansible.cfg").write_text("[defaults]\nhost_key_checking = true\n")


def processes_of(portal_id: str) -> list[str]:
    """Return the command lines of this portal's runs, and of `sleep` in any playbook."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
            command = " ".join(process.cmdline())
        except (OSError, psutil.Error):
            continue
        if f"WINUX_RUN=winux-{portal_id}-".encode() in environment or f"sleep {LONG}" in command:
            found.append(command)
    return found


def listing() -> str:
    """Return the arguments of all processes, and for our own also the environments."""
    return subprocess.run(
        ["ps", "axeww", "-o", "pid,args"], capture_output=True, text=True, check=True
    ).stdout


def files_with(secret: str, *folders: Path) -> list[Path]:
    """Return the files below `folders` that contain `secret`."""
    found = []
    for folder in folders:
        for file in folder.rglob("*"):
            if file.is_file() and not file.is_symlink():
                try:
                    if secret.encode() in file.read_bytes():
                        found.append(file)
                except OSError:
                    continue
    return found
