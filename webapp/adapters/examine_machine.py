"""Examines the portal's machine: database, disk, secrets, keys, programs."""

import re
import shutil
import stat
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

from webapp.adapters import schema
from webapp.adapters.database import OTHERS, SqlDatabase, files_of, translated
from webapp.adapters.examine import examined
from webapp.config import ROOT, Config
from webapp.domain.errors import OutsideFailed, Refused, WinuxError
from webapp.domain.upkeep.health import CheckResult, Health, judge_space
from webapp.texts.sentences import message, what_to_do

#: File systems that exist only in memory.
IN_MEMORY = frozenset({"tmpfs", "ramfs"})
#: A larger write-ahead log, in bytes, has not been checkpointed for a long time.
LARGEST_WAL = 256 << 20


class MachineExaminer:
    """Examines this machine."""

    def __init__(self, config: Config, db: SqlDatabase) -> None:
        self._config = config
        self._db = db

    def examine(self) -> Iterator[CheckResult]:
        """Yields the signs of all parts in order."""
        config = self._config
        yield _checked("schema", lambda: schema.check(self._db), "It is this release's.")
        yield _checked("database", self._write, "It takes writes.")
        yield from examined("database file", self._examine_files)
        yield from examined("private files", lambda: [self._examine_privacy()])
        yield from examined("disk", self._examine_disk)
        where = f"{config.secrets_dir} is in memory."
        yield _checked("secrets", lambda: check_secrets_dir(config.secrets_dir), where)
        yield _checked("guest key", lambda: check_guest_key(config.guest_key_file), "Only ours.")
        yield _checked("programs", check_programs, "All are installed.")
        yield from examined("packages", _examine_packages)

    def _examine_disk(self) -> Iterator[CheckResult]:
        """Yields the sign of the disk that holds the playbooks' runs."""
        folder = self._config.run_dir
        yield judge_space("disk", str(folder), _free(folder))

    def _write(self) -> None:
        """Begins a write transaction without writing: it needs the lock and the right to write."""
        with self._db.begin() as session:
            if self._db.engine.dialect.name != "sqlite":
                is_replica = session.connection().exec_driver_sql("SELECT pg_is_in_recovery()")
                if is_replica.scalar():
                    raise Refused("read_only")

    def _examine_files(self) -> Iterator[CheckResult]:
        """Yields SQLite's own signs: journal mode, size of the write-ahead log, disk space."""
        file = self._db.file
        if file is None or not file.exists():  # an earlier part reports a missing file
            return
        try:
            with translated(), self._db.engine.connect() as connection:
                mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        except OutsideFailed as error:
            yield CheckResult("journal", Health.UNKNOWN, error.message, error.what_to_do)
            mode = "wal"
        wal = file.with_name(f"{file.name}-wal")
        size = wal.stat().st_size if wal.exists() else 0
        if mode != "wal":
            yield CheckResult(
                "journal",
                Health.WARN,
                f"The database's journal is in mode {mode}, so readers and writers wait for each "
                "other.",
                "Put the file on a local disk: WAL needs shared memory, which network disks lack.",
            )
        elif size > LARGEST_WAL:
            yield CheckResult(
                "journal",
                Health.WARN,
                f"The database's write-ahead log has grown to {size >> 20} MiB.",
                "Some process reads for very long; restart web, worker and gateway.",
            )
        else:
            yield CheckResult("journal", Health.GOOD, "WAL, and small.")
        yield judge_space("database disk", str(file.parent), _free(file.parent))

    def _examine_privacy(self) -> CheckResult:
        """Returns whether other accounts can read the database, its log and the runs' folder."""
        paths = [self._config.run_dir, *(files_of(self._db.file) if self._db.file else [])]
        opened = [path for path in paths if path.exists() and path.stat().st_mode & OTHERS]
        if not opened:
            return CheckResult("private files", Health.GOOD, "Only this account can read them.")
        names = " ".join(str(path) for path in opened)
        return CheckResult(
            "private files",
            Health.BAD,
            f"Other accounts of this machine can read or enter: {names}."[:500],
            f"chmod go= {names}"[:500],
        )


def check_secrets_dir(folder: Path) -> None:
    """Refuses a secrets folder that is on a disk. Source: /proc/self/mountinfo."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = file_system_of(folder)
    if kind not in IN_MEMORY:
        raise Refused("secrets_on_disk", folder=str(folder), kind=kind)


def file_system_of(folder: Path) -> str:
    """Returns the type of a folder's file system, such as `tmpfs` or `ext4`."""
    target, best, kind = folder.resolve(), Path("/"), "unknown"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        mounted = Path(before.split()[4].encode().decode("unicode_escape"))
        if target.is_relative_to(mounted) and len(mounted.parts) >= len(best.parts):
            best, kind = mounted, after.split()[0]
    return kind


def check_guest_key(key: Path) -> None:
    """Refuses a private key that is missing or that other accounts can read."""
    if not key.is_file():
        raise Refused("no_key", file=str(key))
    if key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Refused("open_key", file=str(key))


def check_programs() -> None:
    """Refuses a machine without the programs that the worker process starts."""
    for program in ("ssh", "ssh-keyscan"):
        if shutil.which(program) is None:
            raise Refused("no_program", program=program)


def _examine_packages() -> Iterator[CheckResult]:
    """Compares the installed Python packages with the versions in requirements.txt."""
    wrong = []
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if pinned := re.match(r"([\w.-]+)(?:\[[^\]]*\])?==([^\s;#]+)", line):
            name, wanted = pinned.groups()
            try:
                there = metadata.version(name)
            except metadata.PackageNotFoundError:
                there = "missing"
            if there != wanted:
                wrong.append(f"{name} {there} instead of {wanted}")
    if not wrong:
        yield CheckResult("packages", Health.GOOD, "As requirements.txt pins them.")
        return
    yield CheckResult(
        "packages",
        Health.WARN,
        f"Other versions than those that Winux was tried with: {', '.join(wrong)}."[:500],
        "pip install -r requirements.txt in Winux's own environment.",
    )


def _checked(part: str, check: Callable[[], None], well: str) -> CheckResult:
    try:
        check()
    except WinuxError as error:
        return CheckResult(part, Health.BAD, message(error), what_to_do(error))
    except OSError as error:
        return CheckResult(part, Health.BAD, f"{error.filename}: {error.strerror}.")
    return CheckResult(part, Health.GOOD, well)


def _free(folder: Path) -> int:
    """Returns the free bytes in a folder, or where the folder will be made."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
