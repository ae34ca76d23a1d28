"""A browser that its person left open, used by another person to create a lasting API key."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

from setup.page_client import PageClient
from tests.attack.catalogue import attack
from tests.attack.client import Answer, Client
from tests.attack.promise import Broken
from tests.attack.target import Target

#: Minutes for which a typed password is recent, and days of a key, by default.
FRESH_MINUTES, KEY_DAYS = 10, 90
KEYS = "/account/keys/"
WRONG = ("", "not the password")


def leave_open(target: Target, name: str) -> None:
    """Age the sign-in until its password is no longer recent."""
    database = target.settings.folder / "winux.db"
    age = f"-{FRESH_MINUTES * 60 + 1} seconds"
    with closing(sqlite3.connect(database, timeout=30)) as db, db:
        changed = db.execute(
            "update sign_ins set proved_at = strftime('%Y-%m-%d %H:%M:%f000', proved_at, ?)"
            " where person_id = (select id from people where name = ?)",
            (age, name),
        ).rowcount
    if changed != 1:
        raise RuntimeError(f"{changed} sign-ins were left open")


def on_page(browser: PageClient, password: str) -> bool:
    """Whether the page creates a key."""
    form = browser.open(KEYS).form_with("name", "scope")
    if form is None or "password" not in form.fields:
        raise Broken("the page does not ask for the password")
    browser.submit(form, name="from the page", scope="read", password=password)
    return browser.status == 200


def over_api(target: Target, browser: PageClient, path: str, **body: object) -> Answer:
    """Send a request as a script in the page does, with the person's cookies."""
    form = browser.open(KEYS).form_with("csrf_token")
    token = form.fields["csrf_token"] if form else ""
    headers = {"Cookie": browser.cookie_header(), "X-CSRFToken": token, "Origin": target.url}
    script = Client(target.host, target.settings.port, headers=headers)
    return script.api("POST", path, body)


def keys_of(target: Target, name: str) -> list[dict[str, object]]:
    query = "select k.* from api_keys k join people p on p.id = k.person_id where p.name = ?"
    return target.rows(query, name)


@attack(
    "keys: made in a browser that was left open, and with a stolen key",
    f"after {FRESH_MINUTES} minutes the password is needed; a key lasts {KEY_DAYS} days, "
    "and makes no other",
    quick=True,
)
def left_open(target: Target) -> str:
    name, password = "forgetful", target.person("forgetful")
    browser = target.visitor(name)
    leave_open(target, name)
    wish = {"name": "over the API", "scopes": ["read"]}
    if any(on_page(browser, wrong) for wrong in WRONG):
        raise Broken("the page makes a key without the password")
    refused = over_api(target, browser, "/keys", **wish)
    if refused.status != 409 or refused.json["reason"] != "password_needed":
        raise Broken(f"the API answers with {refused.said}")
    if keys_of(target, name):
        raise Broken("a key was made although it was refused")
    if not on_page(browser, password):
        raise RuntimeError("the right password makes no key either")
    made = over_api(target, browser, "/keys", **wish)
    return f"refused on page and API; {check_end(made)}; {stolen(target, made)}"


def check_end(made: Answer) -> str:
    """Check and return the validity of a key for which no expiry was chosen."""
    if made.status != 201 or not made.json["expires_at"]:
        raise Broken(f"a key without an end: {json.dumps(made.json)[:200]}")
    left = datetime.fromisoformat(made.json["expires_at"]) - datetime.now(UTC)
    if abs(left - timedelta(days=KEY_DAYS)) > timedelta(minutes=10):
        raise Broken(f"a key lasts {left}")
    return f"a key ends in {round(left / timedelta(days=1))} days"


def stolen(target: Target, made: Answer) -> str:
    """Try to obtain more rights with a key than it has."""
    thief = Client(target.host, target.settings.port, str(made.json["key"]))
    if thief.api("GET", "/sessions").status != 200:
        raise RuntimeError("the key does not work")
    told = {}
    for path, body in {
        "/keys": {"name": "another", "scopes": ["read"]},
        "/me/password": {"password": "not the password"},
    }.items():
        told[path] = thief.api("POST", path, body).status
        if told[path] != 403:
            raise Broken(f"a stolen key is answered with {told[path]} at {path}")
    return f"with a stolen key {', '.join(f'{path} {code}' for path, code in told.items())}"
