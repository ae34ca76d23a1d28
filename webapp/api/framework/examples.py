"""Example responses for the OpenAPI document."""

from typing import Any

_HERE = "/api/v1/sessions/desktop-1a2b3c4d"

SESSION: dict[str, Any] = {
    "session_sub": "desktop-1a2b3c4d",
    "status": "ready",
    "template": "xfce",
    "owner": "alice",
    "fqdn": "desktop-1a2b3c4d.desks.example.org",
    "address": "10.203.0.17",
    "port": 3389,
    "rdp_username": "desktop",
    "keyboard_layout": "us",
    "launched_at": "2026-03-02T09:15:00Z",
    "ready_at": "2026-03-02T09:15:00Z",
    "expires_at": "2026-03-02T10:15:00Z",
    "paused_until": None,
    "ended_at": None,
    "end_reason": None,
    "end_on_close": False,
    "links": {
        "self": _HERE,
        "page": "/desktops/desktop-1a2b3c4d",
        "extend": f"{_HERE}/extend",
        "pause": f"{_HERE}/pause",
        "resume": f"{_HERE}/resume",
        "stop": f"{_HERE}/stop",
        "credentials": f"{_HERE}/credentials",
        "tickets": f"{_HERE}/tickets",
        "rdp_file": f"{_HERE}/rdp-file",
        "heartbeat": f"{_HERE}/heartbeat",
        "events": f"{_HERE}/events",
    },
    "progress": None,
}

_PASSWORD = "made at random, never twice"  # noqa: S105 (no password: what one looks like)

LAUNCHED: dict[str, Any] = {**SESSION, "rdp_password": _PASSWORD, "is_reused": False}

OLDER_LAUNCHED: dict[str, Any] = {
    "success": True,
    "session": {
        "session_id": "desktop-1a2b3c4d",
        "container_id": 30001,
        "container_ip": "10.203.0.17",
        "fqdn": "desktop-1a2b3c4d.desks.example.org",
        "rdp_port": 3389,
        "rdp_username": "desktop",
        "status": "active",
        "created_at": "2026-03-02T09:15:00Z",
        "expires_at": "2026-03-02T09:45:00Z",
        "duration_minutes": 30,
        "remaining_seconds": 1800,
        "page": "/desktops/desktop-1a2b3c4d",
        "rdp_password": _PASSWORD,
    },
    "message": "desktop-1a2b3c4d is ready.",
}

CREDENTIALS: dict[str, Any] = {
    "session_sub": "desktop-1a2b3c4d",
    "fqdn": "desktop-1a2b3c4d.desks.example.org",
    "address": "10.203.0.17",
    "port": 3389,
    "rdp_username": "desktop",
    "rdp_password": _PASSWORD,
}

TICKET: dict[str, Any] = {
    "ticket": "43 random characters, of use once",
    "gateway_url": "wss://desktops.example.org/gateway/rdp",
    "expires_at": "2026-03-02T09:15:30Z",
    "clipboard_in": True,
    "clipboard_out": True,
}

HEARTBEAT: dict[str, Any] = {
    "status": "ready",
    "now": "2026-03-02T09:20:00Z",
    "expires_at": "2026-03-02T10:15:00Z",
    "idle_ends_at": "2026-03-02T10:18:00Z",
    "is_idle_soon": False,
    "end_on_close": False,
}
