"""What has not changed is not made again, and what has changed is."""

from pathlib import Path

from setup import environment, packages, template


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


def test_packages_are_read_by_section() -> None:
    run, test = packages.packages_of("run"), packages.packages_of("test")
    assert "lxc" in run
    assert "chromium" in test
    assert not set(run) & set(test)
    # `make check` comes first on a bare Debian, before anything that the tests install
    assert packages.packages_of("check") == ["git", "shellcheck"]


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
