"""Runs one host program with a time limit; every failure becomes a BackendError."""

from __future__ import annotations

import subprocess
from pathlib import Path

from labnode.backend import BackendError


def run(
    *args: str | Path,
    timeout_s: float = 30,
    text: str = "",
    stdin_file: Path | None = None,
    cwd: Path | None = None,
    cgroup: Path | None = None,
) -> str:
    """Run a program to its end, with `text` or a file as its input; return what it printed.

    Run a long-running program in a control group, so that it can be found and killed if this
    process is killed meanwhile. Raises BackendError if the program is missing, fails, or takes
    longer than `timeout_s` (it is killed then).
    """
    source = subprocess.PIPE if stdin_file is None else stdin_file.open("rb")
    command = [str(arg) for arg in args]
    if cgroup is not None:
        command = ["sh", "-c", 'echo $$ >"$0" && exec "$@"', f"{cgroup}/cgroup.procs", *command]
    try:
        child = subprocess.Popen(
            command,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            umask=0o022,  # containers and their files do not inherit our umask
        )
    except FileNotFoundError:
        raise BackendError(f"{args[0]} is not installed") from None
    finally:
        if not isinstance(source, int):
            source.close()
    return _finish(child, str(args[0]), text, timeout_s)


def _finish(child: subprocess.Popen[bytes], program: str, text: str, timeout_s: float) -> str:
    with child:
        try:
            out, errors = child.communicate(text.encode() or None, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            raise BackendError(f"{program} did not end within {timeout_s:g} s") from None
    if child.returncode != 0:
        raise BackendError(f"{program}: {_last_words(errors) or f'exit {child.returncode}'}")
    return out.decode(errors="replace")


def _last_words(errors: bytes) -> str:
    lines = errors.decode(errors="replace").strip().splitlines()
    return "; ".join(lines[-3:])
