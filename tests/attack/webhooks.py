"""Webhooks to addresses that are not public."""

from setup.failure import SetupFailed
from tests.attack.catalogue import Broken, attack
from tests.attack.target import Target

INWARD = (
    "https://[fec0::1]/",
    "https://[feff::1]/",
    "https://[fd00::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[2002:a00:1::]/",
    "https://127.0.0.1/",
    "https://169.254.169.254/",
    "https://0x7f000001/",
    "https://2130706433/",
)


@attack("webhooks: addresses of inner networks in every form", "each is refused when it is added")
def inner_addresses(target: Target) -> str:
    taken = [url for url in INWARD if is_taken(target, url)]
    if taken:
        raise Broken(f"a webhook may be sent to {', '.join(taken)}")
    return f"{len(INWARD)} addresses refused"


def is_taken(target: Target, url: str) -> bool:
    try:
        made = target.portal.ask("webhook", "add", url)
    except SetupFailed:
        return False
    target.portal.command("webhook", "remove", str(made["id"]))
    return True
