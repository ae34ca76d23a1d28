"""The access rule of every page: signed out, suspended, other person, owner, and each role.

tests/api/test_access_matrix.py does the same for the API.
"""

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.portal import PASSWORD
from tests.web.conftest import Browse, Browser
from webapp.bootstrap import Services
from webapp.domain.access import Action
from webapp.domain.people.roles import Role
from webapp.http.access import Access, rule_of
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.pool.settings import ScheduleRequest
from webapp.web.vendor import manifest

#: All routes. A route that is added or removed fails a test below until this table is updated.
ROUTES = {
    "static": ("GET", "/static/mark/css/base.css"),
    "health.alive": ("GET", "/healthz"),
    "health.ready": ("GET", "/readyz"),
    "metrics.show": ("GET", "/metrics"),
    "look.choose": ("POST", "/look"),
    "app_manifest.show": ("GET", "/app.webmanifest"),
    "signin.show": ("GET", "/sign-in"),
    "signin.enter": ("POST", "/sign-in"),
    "signin.leave": ("POST", "/sign-out"),
    "home.show": ("GET", "/"),
    "home.live": ("GET", "/live"),
    "history.show": ("GET", "/desktops/"),
    "history.live": ("GET", "/desktops/live"),
    "desktops.launch": ("POST", "/desktops/"),
    "desktops.show": ("GET", "/desktops/{id}"),
    "desktops.live": ("GET", "/desktops/{id}/live"),
    "desktops.password": ("POST", "/desktops/{id}/password"),
    "desktops.rdp": ("GET", "/desktops/{id}/desktop.rdp"),
    "desktops.extend": ("POST", "/desktops/{id}/extend"),
    "desktops.confirm_pause": ("GET", "/desktops/{id}/pause"),
    "desktops.pause": ("POST", "/desktops/{id}/pause"),
    "desktops.resume": ("POST", "/desktops/{id}/resume"),
    "desktops.confirm_stop": ("GET", "/desktops/{id}/stop"),
    "desktops.stop": ("POST", "/desktops/{id}/stop"),
    "connect.show": ("GET", "/desktops/{id}/view"),
    "connect.ticket": ("POST", "/desktops/{id}/view/ticket"),
    "connect.heartbeat": ("POST", "/desktops/{id}/view/heartbeat"),
    "connect.extend": ("POST", "/desktops/{id}/view/extend"),
    "connect.pause": ("POST", "/desktops/{id}/view/pause"),
    "connect.resume": ("POST", "/desktops/{id}/view/resume"),
    "connect.stop": ("POST", "/desktops/{id}/view/stop"),
    "connect.end_on_close": ("POST", "/desktops/{id}/view/end-on-close"),
    "connect.left": ("POST", "/desktops/{id}/view/left"),
    "api_reference.show": ("GET", "/api-reference/"),
    "vendor.file": ("GET", f"/vendor/{manifest()['rdp.js']}"),
    "account.show": ("GET", "/account/"),
    "account.end": ("POST", "/account/sign-ins/{sign_in}/end"),
    "account.end_others": ("POST", "/account/sign-ins/end-others"),
    "account.change_password": ("POST", "/account/password"),
    "account.end_everything": ("POST", "/account/end-everything"),
    "keys.show": ("GET", "/account/keys/"),
    "keys.make": ("POST", "/account/keys/"),
    "keys.confirm_revoke": ("GET", "/account/keys/{key}/revoke"),
    "keys.revoke": ("POST", "/account/keys/{key}/revoke"),
    "admin.keys": ("GET", "/admin/keys/"),
    "admin.confirm_revoke_key": ("GET", "/admin/keys/{key}/revoke"),
    "admin.revoke_key": ("POST", "/admin/keys/{key}/revoke"),
    "admin.audit": ("GET", "/admin/audit/"),
    "admin.export_audit": ("GET", "/admin/audit/export.csv"),
    "admin.webhooks": ("GET", "/admin/webhooks/"),
    "admin.add_webhook": ("POST", "/admin/webhooks/"),
    "admin.webhook": ("GET", "/admin/webhooks/{webhook}"),
    "admin.webhook_live": ("GET", "/admin/webhooks/{webhook}/live"),
    "admin.test_webhook": ("POST", "/admin/webhooks/{webhook}/test"),
    "admin.enable_webhook": ("POST", "/admin/webhooks/{webhook}/enable"),
    "admin.disable_webhook": ("POST", "/admin/webhooks/{webhook}/disable"),
    "admin.confirm_remove_webhook": ("GET", "/admin/webhooks/{webhook}/remove"),
    "admin.remove_webhook": ("POST", "/admin/webhooks/{webhook}/remove"),
    "admin.retry_delivery": ("POST", "/admin/webhooks/deliveries/{delivery}/retry"),
    "admin.overview": ("GET", "/admin/"),
    "admin.overview_live": ("GET", "/admin/live"),
    "admin.desktops": ("GET", "/admin/desktops/"),
    "admin.desktops_live": ("GET", "/admin/desktops/live"),
    "admin.desktop": ("GET", "/admin/desktops/{id}"),
    "admin.desktop_live": ("GET", "/admin/desktops/{id}/live"),
    "admin.extend": ("POST", "/admin/desktops/{id}/extend"),
    "admin.confirm_pause": ("GET", "/admin/desktops/{id}/pause"),
    "admin.pause": ("POST", "/admin/desktops/{id}/pause"),
    "admin.resume": ("POST", "/admin/desktops/{id}/resume"),
    "admin.confirm_stop": ("GET", "/admin/desktops/{id}/stop"),
    "admin.stop": ("POST", "/admin/desktops/{id}/stop"),
    "admin.confirm_stop_many": ("POST", "/admin/desktops/stop/confirm"),
    "admin.connections": ("GET", "/admin/connections/"),
    "admin.connections_live": ("GET", "/admin/connections/live"),
    "admin.differences": ("GET", "/admin/differences/"),
    "admin.differences_live": ("GET", "/admin/differences/live"),
    "admin.checkup": ("GET", "/admin/doctor/"),
    "admin.cut": ("POST", "/admin/connections/connection-00000000/cut"),
    "admin.stop_many": ("POST", "/admin/desktops/stop"),
    "admin.nodes": ("GET", "/admin/nodes/"),
    "admin.nodes_live": ("GET", "/admin/nodes/live"),
    "admin.drain_node": ("POST", "/admin/nodes/lab/drain"),
    "admin.use_node": ("POST", "/admin/nodes/lab/use"),
    "admin.pools": ("GET", "/admin/pool/"),
    "admin.pools_live": ("GET", "/admin/pool/live"),
    "admin.pool": ("GET", "/admin/pool/xfce"),
    "admin.pool_live": ("GET", "/admin/pool/xfce/live"),
    "admin.change_pool": ("POST", "/admin/pool/xfce"),
    "admin.add_schedule": ("POST", "/admin/pool/xfce/schedules"),
    "admin.remove_schedule": ("POST", "/admin/pool/schedules/{schedule}/remove"),
    "admin.confirm_drain": ("GET", "/admin/pool/xfce/drain"),
    "admin.drain_pool": ("POST", "/admin/pool/xfce/drain"),
}
#: Routes for an object of alice: for anyone else it does not exist.
OWNED = {
    name for name, (_, path) in ROUTES.items() if "{" in path and not name.startswith("admin.")
}


def test_the_list_of_routes_is_complete(app: Flask) -> None:
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if not is_of_api(rule)}
    assert pages == set(ROUTES)


def is_of_api(rule: Rule) -> bool:
    return rule.rule.startswith(("/api/v1/", "/api/winux/"))


def test_every_route_names_who_may_call_it(app: Flask) -> None:
    without = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule_of(app.view_functions[rule.endpoint]) is None
    ]
    assert without == []


def test_every_page_of_the_administrators_names_an_action(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin."):
            assert isinstance(rule_of(app.view_functions[rule.endpoint]), Action), rule.endpoint


def test_a_route_without_a_rule_is_refused_to_everybody(
    app: Flask, alice: Actor, browse: Browse
) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    browser = browse("alice")
    assert browser.get("/forgotten").status_code == 403
    assert "secret" not in browser.get("/forgotten").text


def test_only_posts_change_anything(app: Flask) -> None:
    methods = {rule.endpoint: rule.methods or set() for rule in app.url_map.iter_rules()}
    for endpoint, (method, _) in ROUTES.items():
        assert methods[endpoint] - {"HEAD", "OPTIONS"} == {method}, endpoint


#: Reading changes nothing, so all reads share one set of people; each change gets its own.
TOGETHER = [[name for name, (method, _) in ROUTES.items() if method == "GET"]] + [
    [name] for name, (method, _) in ROUTES.items() if method == "POST" and name != "signin.enter"
]


@pytest.mark.parametrize("endpoints", TOGETHER, ids=lambda names: names[0])
def test_who_may_call_it(
    endpoints: list[str],
    app: Flask,
    services: Services,
    stranger: Browser,
    browse: Browse,
    alice: Actor,
    bob: Actor,
    root: Actor,
    ready: str,
) -> None:
    services.accounts.add_person(SYSTEM, "dora", PASSWORD)
    services.accounts.add_person(SYSTEM, "oscar", PASSWORD, role=Role.OPERATOR)
    services.accounts.add_person(SYSTEM, "audrey", PASSWORD, role=Role.AUDITOR)
    people = {"nobody": stranger} | {
        name: browse(name) for name in ("dora", "bob", "oscar", "audrey", "root", "alice")
    }
    services.accounts.suspend(SYSTEM, "dora")
    services.pools.change(SYSTEM, "xfce", {"max": 1})
    services.catalogue.change(SYSTEM, "xfce", {"max_pause_minutes": 60})
    ids: dict[str, object] = {
        "id": ready,
        "sign_in": services.accounts.sign_ins(alice.person_id or 0)[0].id,
        "webhook": (hook := services.webhooks.add(SYSTEM, HOOK, ["end"]).webhook.id),
        "delivery": services.webhooks.test(SYSTEM, hook),
        "key": services.keys.make(alice, "script", ["read"]).key.id,
    }
    for endpoint in endpoints:
        rule = rule_of(app.view_functions[endpoint])
        # The callers who may make the change come last, so that the others find it unmade.
        last = allowed(endpoint) if endpoint.startswith("admin.") else {"alice"}
        for name in sorted(people, key=lambda name: name in last):
            if "{schedule}" in ROUTES[endpoint][1]:  # one for each, who may remove it
                ids["schedule"] = services.pools.add_schedule(SYSTEM, "xfce", MONDAY)
            expect(call(people[name], endpoint, ids), endpoint, rule, name)


def allowed(endpoint: str) -> set[str]:
    """Who may call this administrators' route."""
    if endpoint in OPERATED:
        return {"oscar", "root"}
    if endpoint in ADMIN_ONLY:
        return {"root"}
    return {"audrey", "root"} if endpoint in AUDITED else {"oscar", "audrey", "root"}


#: Administrators' routes that an operator may call too, but no auditor: they change something.
OPERATED = set(
    "admin.extend admin.confirm_pause admin.pause admin.resume admin.confirm_stop admin.stop "
    "admin.confirm_stop_many admin.stop_many admin.cut admin.drain_node admin.use_node "
    "admin.change_pool admin.add_schedule admin.remove_schedule admin.confirm_drain "
    "admin.drain_pool".split()
)
#: Routes that an auditor may call, but no operator: they show people's keys, acts and addresses.
AUDITED = set(
    "admin.keys admin.audit admin.export_audit "
    "admin.webhooks admin.webhook admin.webhook_live".split()
)
ADMIN_ONLY = set(
    "admin.confirm_revoke_key admin.revoke_key admin.add_webhook admin.test_webhook "
    "admin.enable_webhook admin.disable_webhook admin.confirm_remove_webhook admin.remove_webhook "
    "admin.retry_delivery".split()
)

#: The fields of all forms in one. After these requests no person is signed in.
LEAVING = {"signin.leave", "account.end_everything"}
FIELDS = {"minutes": "5", "template": "xfce", "name": "a key", "scope": "read", "life": "7"}
FIELDS |= {"url": "https://example.org/another", "event": "end"}
FIELDS |= {"old": PASSWORD, "new": "another long password", "again": "another long password"}
MONDAY = ScheduleRequest(1, "10:00", "12:00", "mon")
HOOK = "https://example.org/hook"


def call(browser: Browser, endpoint: str, ids: dict[str, object]) -> tuple[int, str]:
    method, path = ROUTES[endpoint]
    path = path.format(**ids)
    if method == "GET":
        answer = browser.get(path)
    else:
        answer = browser.post(path, **FIELDS, desktop=str(ids["id"]))
    return answer.status_code, answer.headers.get("Location", "")


def expect(answer: tuple[int, str], endpoint: str, rule: Access | Action | None, name: str) -> None:
    status, location = answer
    is_sent_to_sign_in = status == 303 and location.startswith("/sign-in")
    about = (endpoint, name, answer)
    if rule is Access.ANYONE:
        assert status < 400 or (endpoint, status) in {
            ("health.ready", 503),
            ("metrics.show", 404),
        }, about
    elif name in {"nobody", "dora"}:
        assert is_sent_to_sign_in, about
    elif endpoint.startswith("admin.") and name not in allowed(endpoint):
        assert status == 403, about
    elif endpoint in OWNED and name != "alice":
        assert status == 404, about
    else:
        assert status < 400, about
        assert not is_sent_to_sign_in or endpoint in LEAVING, about
