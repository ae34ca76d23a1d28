"""Unchanged parts are not made again, and changed ones are."""

import hashlib
import os
from pathlib import Path
from zipfile import ZipFile

import pytest

from setup import environment, packages, template
from setup.failure import SetupFailed


def test_the_key_follows_the_content(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("one==1\n")
    before = environment.content_key([file])
    assert environment.content_key([file]) == before
    file.write_text("one==2\n")
    assert environment.content_key([file]) != before


def test_an_environment_without_a_stamp_is_not_current(tmp_path: Path) -> None:
    assert not environment.is_current(tmp_path / "venv", environment.RUN)


def test_the_environment_for_tests_serves_to_run_too(tmp_path: Path) -> None:
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.touch()
    stamp = tmp_path / f".made-from-{environment.DEV.stem}"
    stamp.write_text(environment.content_key(environment.files_for(environment.DEV)))
    assert environment.is_current(tmp_path, environment.RUN)
    stamp.write_text("of older requirements")
    assert not environment.is_current(tmp_path, environment.RUN)


def test_a_package_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    """pip itself refuses it: a wheel whose hash differs from the lock."""
    wheel = tmp_path / "files" / "victim-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with ZipFile(wheel, "w") as archive:
        archive.writestr("victim.py", "")
        archive.writestr("victim-1.0.dist-info/METADATA", "Name: victim\nVersion: 1.0\n")
        archive.writestr("victim-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("victim-1.0.dist-info/RECORD", "")
    good = hashlib.sha256(wheel.read_bytes()).hexdigest()
    venv, requirements = environment.VENV, tmp_path / "requirements.txt"
    requirements.write_text("victim==1.0\n")
    os.environ["PIP_FIND_LINKS"], before = str(wheel.parent), os.environ.get("PIP_FIND_LINKS")
    try:
        for number, hash_ in enumerate(("0" * 64, good)):
            lock = environment.lock_of(requirements)
            lock.write_text(f"victim==1.0 \\\n    --hash=sha256:{hash_}\n")
            wheels = tmp_path / f"wheels{number}"
            if hash_ == good:
                environment.fill(venv, requirements, wheels, tmp_path / "log")
                assert (wheels / environment.PINS).read_text() == "victim==1.0\n"
            else:
                with pytest.raises(SetupFailed, match=r"(?i)hash"):
                    environment.fill(venv, requirements, wheels, tmp_path / "log")
                assert not wheels.exists()
    finally:
        os.environ.pop("PIP_FIND_LINKS")
        if before is not None:
            os.environ["PIP_FIND_LINKS"] = before


def test_packages_are_read_by_section() -> None:
    run, test = packages.packages_of("run"), packages.packages_of("test")
    assert "lxc" in run
    assert "chromium" in test
    assert not set(run) & set(test)
    # `make check` must work first on a bare Debian, before anything that the tests install
    assert packages.packages_of("check") == ["git", "shellcheck"]


def test_of_packages_that_differ_between_releases_one_suffices() -> None:
    assert "freerdp2-x11 | freerdp3-x11" in packages.packages_of("test")
    assert packages.choose("no-such-package | coreutils") == "coreutils"
    assert packages.choose("no-such-package") == "no-such-package"


def test_a_package_that_is_not_installed_is_missed(tmp_path: Path) -> None:
    assert packages.missing_packages("no such section") == []


def test_a_new_guest_key_makes_another_template(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for key in (first, second):
        template.make_guest_key(key, tmp_path / "log")
    assert first.stat().st_mode & 0o777 == 0o600
    assert template.content_key(first) != template.content_key(second)
    made = first.read_bytes()
    template.make_guest_key(first, tmp_path / "log")
    assert first.read_bytes() == made
