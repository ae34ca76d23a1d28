"""Wrong sign-ins, to guess passwords and to lock out others. Each attack has its own address."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from setup.failure import SetupFailed
from setup.page_client import PageClient
from tests.attack.catalogue import attack
from tests.attack.promise import Broken
from tests.attack.target import Target

WRONG = 31
#: The number of failures of one account from one address before it must wait.
LIMIT = 5
AT_ONCE = 24
CROWDED, PARALLEL = "127.0.41.1", "127.0.42.1"


def try_password(visitor: PageClient, name: str, password: str) -> int:
    """Return the response to a sign-in."""
    form = visitor.open("/sign-in").form_with("name", "password")
    if form is None:
        raise RuntimeError("there is no sign-in form")
    visitor.submit(form, name=name, password=password)
    return visitor.status


@attack(
    "sign-in: thirty wrong ones under any names",
    "a known browser and a known address still sign in; unknown names wait",
)
def thirty_wrong(target: Target) -> str:
    known, password = PageClient(target.url, CROWDED), target.person("regular")
    known.sign_in("regular", password)
    sign_out(known)
    for number in range(WRONG):
        try_password(PageClient(target.url, CROWDED), f"name{number}", "not the password")
    waits = try_password(PageClient(target.url, CROWDED), "somebody", "not the password")
    if waits != 429:
        raise Broken(f"after {WRONG} wrong sign-ins the next one is answered with {waits}")
    for who, browser in (("browser", known), ("address", PageClient(target.url, CROWDED))):
        try:
            browser.sign_in("regular", password)
        except SetupFailed as refusal:
            raise Broken(f"a known {who} is locked out: {refusal}") from None
    return f"{WRONG} wrong sign-ins, the next is told to wait (429); browser and address get in"


@attack(
    "sign-in: many passwords at the same moment",
    f"at most {LIMIT} of them are tried",
    quick=True,
)
def at_once(target: Target) -> str:
    target.person("guessed")
    start = threading.Barrier(AT_ONCE)

    def guess(_number: int) -> int:
        visitor = PageClient(target.url, PARALLEL)
        form = visitor.open("/sign-in").form_with("name", "password")
        start.wait(60)
        if form is None:
            raise RuntimeError("there is no sign-in form")
        visitor.submit(form, name="guessed", password="not the password")
        return visitor.status

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = Counter(pool.map(guess, range(AT_ONCE)))
    if answers[401] > LIMIT or answers[401] + answers[429] != AT_ONCE:
        raise Broken(f"{AT_ONCE} at once are answered with {dict(answers)}")
    return f"{AT_ONCE} at once: {answers[401]} tried, {answers[429]} told to wait"


def sign_out(visitor: PageClient) -> None:
    form = visitor.open("/").form_to("/sign-out")
    if form is None:
        raise RuntimeError("there is no way to sign out")
    visitor.submit(form)
