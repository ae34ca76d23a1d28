"""For any files, name, password or network of a person, a desktop starts or reports why not."""

import time

import pytest

from tests.e2e.screen import Screen
from tests.lab import GoldenTemplate, RealLab
from tests.playbooks.inside import ask, knows
from tests.playbooks.operator import Desktop
from webapp.domain.desktops.account_names import RESERVED_NAMES

pytestmark = pytest.mark.lab

PASSWORD = "a password 1"
#: The environment of a shell in the desktop.
HOME = "$(getent passwd desktop | cut -d: -f6)"
FULL = (
    f"mount -t tmpfs -o size=400k,uid=1000,gid=1000,mode=755 tmpfs {HOME};"
    f"dd if=/dev/zero of={HOME}/big bs=1k 2>/dev/null || true"
)
OTHER_FILES = (
    f"cd {HOME}; rm -f .profile; for file in .bashrc .xsession .xsessionrc; do "
    "echo 'exit 1' > $file; chmod 755 $file; done"
)


def end_session(lab: RealLab, desktop: Desktop) -> None:
    lab.inside(desktop.vmid, f"pkill -u desktop; sleep 1; umount -q {HOME}; true")


def sign_in(lab: RealLab, template: GoldenTemplate, desktop: Desktop) -> str:
    """Sign in through XRDP's session manager; return the session's error, empty if there is
    none."""
    answer = ask(template, desktop, do="try_session", username="desktop", password=PASSWORD)
    assert "seconds" in answer, answer
    environment = "tr '\\0' '\\n' < /proc/$(pgrep -u desktop -x xfce4-session)/environ"
    told = lab.inside(desktop.vmid, f"{environment} | sed -n 's/^SAFE_SESSION_REASON=//p'")
    return told.strip()


@pytest.fixture(scope="module")
def account(running: Desktop, golden_template: GoldenTemplate) -> Desktop:
    set_password(golden_template, running, PASSWORD)
    return running


def set_password(template: GoldenTemplate, desktop: Desktop, password: str) -> None:
    request = {"do": "personalise", "username": "desktop", "password": password}
    answer = ask(template, desktop, **request, deadline_epoch=int(time.time()) + 3600)
    assert "error" not in answer, answer


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (f"cp /etc/skel/.profile {HOME}/.profile", ""),
        (f"echo 'if [ x ;' > {HOME}/.profile", "Syntax error"),
        (f"echo 'exit 0' > {HOME}/.profile", "does not come to its end"),
        (f"echo 'exec sleep 1000' > {HOME}/.profile", "did not end within 10 seconds"),
        (f"echo 'PATH=/nowhere; unset DISPLAY' > {HOME}/.profile", "Your session ended at once"),
        (OTHER_FILES, ""),
        (FULL, "Your home folder is full"),
    ],
    ids=["sound", "syntax", "exit", "endless", "environment", "other files", "full"],
)
def test_broken_files_of_a_person_leave_them_a_desktop_that_says_why(
    account: Desktop, lab_node: RealLab, golden_template: GoldenTemplate, prepare: str, told: str
) -> None:
    end_session(lab_node, account)
    lab_node.inside(account.vmid, prepare)
    said = sign_in(lab_node, golden_template, account)
    assert told in said
    assert bool(said) == bool(told)
    end_session(lab_node, account)
    lab_node.inside(account.vmid, f"rm -f {HOME}/.profile {HOME}/.bashrc {HOME}/.xsession*")


def test_the_reason_is_shown_on_the_screen(
    account: Desktop, lab_node: RealLab, golden_template: GoldenTemplate
) -> None:
    end_session(lab_node, account)
    lab_node.inside(account.vmid, FULL)
    with Screen() as screen:
        screen.connect(account.told["address"], "desktop", PASSWORD)
        for _ in range(60):
            notes = lab_node.inside(account.vmid, "pgrep -c -u desktop xfce4-notifyd || true")
            if notes.strip() == "1":
                break
            time.sleep(0.5)
        assert notes.strip() == "1"
    end_session(lab_node, account)


def test_a_desktop_without_ipv6_can_be_tried(
    account: Desktop, lab_node: RealLab, golden_template: GoldenTemplate
) -> None:
    end_session(lab_node, account)
    off = "for i in all default lo; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done"
    lab_node.inside(account.vmid, f"{off}; systemctl restart xrdp-sesman xrdp; sleep 1")
    assert sign_in(lab_node, golden_template, account) == ""
    end_session(lab_node, account)


def test_a_program_that_ignores_the_end_of_its_session_delays_no_shutdown(
    account: Desktop, lab_node: RealLab
) -> None:
    """`inside` has a timeout of 90 s, which is systemd's default for a stop."""
    folder = "/run/systemd/system/xrdp-sesman.service.d"
    program = "trap '' TERM\nwhile :; do sleep 1; done\n"
    unit = '[Service]\nExecStartPost=/bin/sh -c "sh /root/stubborn >/dev/null 2>&1 &"\n'
    lab_node.inside(
        account.vmid,
        f'printf "{program}" >/root/stubborn; mkdir {folder}; '
        f"printf '{unit}' >{folder}/stubborn.conf; systemctl daemon-reload; "
        f"systemctl restart xrdp-sesman; rm -r {folder}; systemctl daemon-reload",
    )
    lab_node.inside(account.vmid, "pgrep -f stubbor[n]; systemctl restart xrdp-sesman xrdp")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "password",
    ["quo\"te'`s \\ back\\", " %s $HOME $(id) {{ 7*7 }} ", "zażółć€ñ", "-v :x: #", "ж" * 255],
)
def test_a_password_may_have_any_character(
    account: Desktop, lab_node: RealLab, golden_template: GoldenTemplate, password: str
) -> None:
    set_password(golden_template, account, password)
    assert knows(lab_node, account.vmid, "desktop", password)
    end_session(lab_node, account)
    answer = ask(golden_template, account, do="try_session", username="desktop", password=password)
    assert "seconds" in answer, answer
    end_session(lab_node, account)
    with Screen() as screen:
        screen.connect(account.told["address"], "desktop", password)
        for _ in range(60):
            stands = lab_node.inside(account.vmid, "pgrep -c -u desktop xfce4-panel || true")
            if stands.strip() == "1":
                break
            time.sleep(0.5)
        assert stands.strip() == "1"
    end_session(lab_node, account)
    set_password(golden_template, account, PASSWORD)


@pytest.mark.parametrize(
    ("password", "why"),
    [("x\nroot:y", "line breaks"), ("x" * 256, "at most 255"), ("x😀", "emoji")],
)
def test_a_password_that_cannot_come_through_is_refused(
    account: Desktop, golden_template: GoldenTemplate, password: str, why: str
) -> None:
    request = {"do": "personalise", "username": "desktop", "password": password}
    answer = ask(golden_template, account, **request, deadline_epoch=int(time.time()) + 3600)
    assert answer["error"].startswith("bad input: ")
    assert why in answer["error"]


def test_a_name_of_a_group_gets_an_account_that_is_not_in_it(
    desktop: Desktop, lab_node: RealLab, golden_template: GoldenTemplate
) -> None:
    assert desktop.create().code == 0
    later = int(time.time()) + 3600
    for name in ("audio", "shadow", "ssl-cert"):
        request = {"do": "assign", "username": name, "password": PASSWORD}
        answer = ask(golden_template, desktop, **request, deadline_epoch=later)
        assert answer.get("username") == name, answer
        groups = lab_node.inside(desktop.vmid, f"id -Gn {name}").split()
        assert sorted(groups) == ["person", "winux"]
        assert f"{name}:" in lab_node.inside(desktop.vmid, f"getent group {name}")
    session = {"do": "try_session", "username": "ssl-cert", "password": PASSWORD}
    assert "seconds" in ask(golden_template, desktop, **session)


def test_accounts_of_the_system_are_refused_as_the_persons_input(
    running: Desktop, golden_template: GoldenTemplate
) -> None:
    request = {"do": "personalise", "username": "xrdp", "keyboard_layout": "us"}
    answer = ask(golden_template, running, **request, deadline_epoch=int(time.time()) + 3600)
    assert answer["error"].startswith("bad input: 'xrdp' is a system account")


def test_every_name_of_a_template_is_refused_at_the_edge(
    running: Desktop, lab_node: RealLab
) -> None:
    listed = lab_node.inside(running.vmid, "getent passwd; getent group")
    names = {line.split(":")[0] for line in listed.splitlines()} - {"desktop"}
    valid = {name for name in names if name[0] != "_" and not name.startswith("systemd-")}
    assert valid <= RESERVED_NAMES
