"""Launches that are intended to cost other people resources."""

from collections import Counter

from tests.attack.catalogue import attack
from tests.attack.client import Client
from tests.attack.promise import Broken
from tests.attack.target import Target

#: Accounts and groups of the template.
SYSTEM_NAMES = ("audio", "shadow", "ssl-cert", "xrdp", "root", "person", "systemd-journal")
#: More launches than sufficed to pause a template when this attack was found.
LAUNCHES = 30
#: The maximum of one person (WINUX_MAX_DESKTOPS).
LIMIT = 3
HELD = (
    "select count(*) as rows, count(a.address) as addresses from desktops d"
    " join people p on p.id = d.owner_id left join address_reservations a on a.desktop_id = d.id"
    " where p.name = ? and d.state != 'ended'"
)


@attack(
    "launch: names of system accounts and groups",
    "each is refused with words, and others still launch the template",
    quick=True,
)
def system_names(target: Target) -> str:
    mallory, honest = target.client("names"), target.client("names-honest")
    for name in SYSTEM_NAMES * 2:
        answer = mallory.api("POST", "/sessions", {"rdp_username": name})
        if answer.status not in (400, 422) or name not in answer.body.decode():
            raise Broken(f"a launch with the user name {name} is answered with {answer.said}")
    made = honest.api("POST", "/sessions", {})
    if made.status not in (201, 202):
        raise Broken(f"another person's launch is refused: {made.said}")
    target.end(made.json["session_sub"])
    return f"{2 * len(SYSTEM_NAMES)} launches refused with words; another person's was taken"


@attack(
    "launch: start and stop without end",
    f"the person never holds more than {LIMIT}, and an honest one gets a desktop meanwhile",
)
def start_and_stop(target: Target) -> str:
    greedy, honest = target.client("greedy"), target.client("greedy-honest")
    answers: Counter[int] = Counter()
    most_rows = most_addresses = 0
    asked = honest.api("POST", "/sessions", {}).json["session_sub"]
    for _ in range(LAUNCHES):
        answers[launch_and_stop(greedy)] += 1
        [held] = target.rows(HELD, "greedy")
        most_rows = max(most_rows, held["rows"])
        most_addresses = max(most_addresses, held["addresses"])
    target.wait_state(honest, asked, "ready")
    target.end(asked)
    if most_rows > LIMIT or most_addresses > LIMIT:
        raise Broken(f"one person held {most_rows} desktops and {most_addresses} addresses")
    told = ", ".join(f"{count} × {status}" for status, count in sorted(answers.items()))
    return (
        f"{told}; {most_rows} desktops and {most_addresses} addresses at most; an honest person's "
        "was ready"
    )


def launch_and_stop(client: Client) -> int:
    """Return the response to the launch."""
    answer = client.api("POST", "/sessions", {})
    if answer.status in (201, 202):
        client.api("POST", f"/sessions/{answer.json['session_sub']}/stop")
    return answer.status
