"""The settings file: `NAME=value` lines, read alike by every process, command and playbook.

It is never run by a shell. What it may contain is what systemd's `EnvironmentFile=` and a shell
would read the same way; anything else is refused with its line. A setting in the environment wins
over the file. The playbooks' collection has this module as a symbolic link, because Ansible cannot
import the portal; therefore only the standard library may be used here.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

#: Names the file to read. `/dev/null` means none.
VARIABLE = "WINUX_ENV_FILE"
#: Read if the variable is not set: the file of a running demo, else the one of this machine.
OF_DEMO, OF_MACHINE = "var/demo/winux.env", Path("/etc/winux/winux.env")
#: Where systemd hands files to a service; nobody but the service can enter that folder.
CREDENTIALS = "CREDENTIALS_DIRECTORY"
LARGEST = 64 << 10
NAME = re.compile(r"(WINUX_|proxmox_)[A-Za-z0-9_]+")
#: Characters that a shell would not leave alone outside quotes, or inside double quotes.
UNSAFE, UNSAFE_QUOTED = re.compile(r"[\s'\"\\$`;&|<>()#*?~]"), re.compile(r"[\"\\$`]")
SINGLE = "put it in single quotes"


class BadEnvFile(ValueError):
    """The file cannot be used; the text names it, says why, and how to mend it."""


def with_file(environment: Mapping[str, str], checkout: Path) -> dict[str, str]:
    """The environment, and below it the settings of the file that applies.

    Raises BadEnvFile.
    """
    return below(environment, read(environment, checkout))


def read(environment: Mapping[str, str], checkout: Path) -> dict[str, str]:
    """The settings of the file that applies; {} without one. Raises BadEnvFile."""
    file = place(environment, checkout)
    if file is None:
        return {}
    credentials = environment.get(CREDENTIALS)
    is_handed = bool(credentials) and file.is_relative_to(Path(credentials or "/"))
    return parse(_read(file, is_handed=is_handed), str(file))


def below(environment: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The environment, and the settings that it does not have.

    A secret and the file that holds it are one setting: either form in the environment wins.
    """
    set_here = {name for name, value in environment.items() if value}
    set_here |= {_other_form(name) for name in set_here}
    return {**environment, **{k: v for k, v in settings.items() if k not in set_here}}


def place(environment: Mapping[str, str], checkout: Path) -> Path | None:
    """The file that applies; None if there is none. Raises BadEnvFile if two could be meant."""
    if named := environment.get(VARIABLE):
        return None if named == os.devnull else Path(named).expanduser().absolute()
    found = [file for file in (checkout / OF_DEMO, OF_MACHINE) if os.path.lexists(file)]
    if len(found) > 1:
        raise BadEnvFile(
            f"There are two files of settings, of a demo ({found[0]}) and of this machine "
            f"({found[1]}). Name one: {VARIABLE}={found[1]}, or --env-file {found[1]}."
        )
    return found[0] if found else None


def parse(text: str, name: str = "The file") -> dict[str, str]:
    """The settings in the text of a file. Raises BadEnvFile naming the first wrong line."""
    settings: dict[str, str] = {}
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        stripped = line.strip(" \t")
        if not stripped or stripped[0] in "#;":
            continue
        try:
            setting, value = _parse_line(stripped)
            if setting in settings:
                raise BadEnvFile(f"{setting} is there twice; remove one of them")
        except BadEnvFile as error:
            raise BadEnvFile(f"{name}, line {number}: {error}.") from None
        settings[setting] = value
    return settings


def as_line(name: str, value: str) -> str:
    """The line of a setting. Raises BadEnvFile if no line can hold the value."""
    for quote in ("", "'", '"'):
        line = f"{name}={quote}{value}{quote}"
        try:
            if _parse_line(line) == (name, value):
                return line
        except BadEnvFile:
            continue
    raise BadEnvFile(f"The value of {name} has characters that a settings file cannot hold.")


def _parse_line(line: str) -> tuple[str, str]:
    if any(ord(character) < 32 or ord(character) == 127 for character in line.replace("\t", " ")):
        raise BadEnvFile("it has a control character")
    name, equals, value = line.partition("=")
    if line.startswith("export "):
        raise BadEnvFile("leave out `export`; a line is NAME=value")
    if not equals:
        raise BadEnvFile("a line is NAME=value")
    if not NAME.fullmatch(name):
        raise BadEnvFile(
            f"{name[:60]!r} is no name of a setting; they begin with WINUX_ or proxmox_, and "
            "there is no space before ="
        )
    return name, _unquoted(name, value)


def _unquoted(name: str, value: str) -> str:
    quote = value[:1]
    if quote not in {"'", '"'}:
        if UNSAFE.search(value):
            raise BadEnvFile(f"the value of {name} has spaces or special characters; {SINGLE}")
        return value
    inner = value[1:-1]
    if len(value) < 2 or not value.endswith(quote):
        raise BadEnvFile(f"the value of {name} has no closing {quote} at its end")
    if quote == "'" and "'" in inner:
        raise BadEnvFile(f"the value of {name} has a ' inside '…'; put it in double quotes")
    if quote == '"' and UNSAFE_QUOTED.search(inner):
        raise BadEnvFile(f'the value of {name} has one of " \\ $ ` inside "…"; {SINGLE}')
    return inner


def _read(file: Path, *, is_handed: bool) -> str:
    """The text of a private, regular file of reasonable size."""
    try:
        # O_NONBLOCK: a FIFO must not block the start
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
            _check(file, os.fstat(opened.fileno()), is_handed=is_handed)
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise BadEnvFile(
            f"The settings file {file} cannot be read: {error.strerror}. {_cure(error)}"
        ) from error
    if len(content) > LARGEST:
        raise BadEnvFile(f"{file} is larger than {LARGEST >> 10} KiB; it is no settings file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadEnvFile(f"{file} is not UTF-8 text: {error.reason}.") from error


def _cure(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "Run this as root or as the account that the file belongs to."
    return f"Make it, or name another: {VARIABLE}, --env-file (docs/admin/settings.md)."


def _check(file: Path, status: os.stat_result, *, is_handed: bool) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode):
        raise BadEnvFile(f"The settings file {file} is not a regular file.")
    if status.st_uid not in {0, os.geteuid()}:  # its owner decides what this process does
        raise BadEnvFile(
            f"The settings file {file} belongs to another account; run this as that account, or "
            f"give the file to this one: chown {os.geteuid()} {file}"
        )
    if mode & 0o077 and not is_handed:
        raise BadEnvFile(
            f"The settings file {file} has secrets but can be used by others (mode {mode:04o}): "
            f"chmod 600 {file}"
        )


def _other_form(name: str) -> str:
    return name.removesuffix("_FILE") if name.endswith("_FILE") else f"{name}_FILE"
