"""Every setting with its default, which ones are secret, and further keys of a settings file."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

#: Every setting with its default; None for one that must be set.
SETTINGS: dict[str, str | None] = {
    "WINUX_DATABASE_URL": f"sqlite:///{CHECKOUT / 'var' / 'winux.db'}",
    "WINUX_SECRET_KEY": None,
    "WINUX_ENCRYPTION_KEY": None,
    "WINUX_PORTAL_ID": None,
    "WINUX_PUBLIC_URL": "http://127.0.0.1:8080",
    "WINUX_TRUSTED_PROXIES": "0",
    "WINUX_API_ORIGINS": "",
    "WINUX_NETWORK": "10.203.0.0/24",
    "WINUX_ADDRESS_FIRST": "",
    "WINUX_ADDRESS_LAST": "",
    "WINUX_ROUTER": "",
    "WINUX_DESKTOP_DOMAIN": "",
    "WINUX_HOSTS_FILE": "",
    "WINUX_VMID_FIRST": "30001",
    "WINUX_VMID_LAST": "30999",
    "WINUX_MAX_DESKTOPS": "3",
    "WINUX_MAX_DESKTOPS_TOTAL": "200",
    "WINUX_LAUNCH_BURST": "10",
    "WINUX_LAUNCHES_PER_HOUR": "60",
    "WINUX_RESERVE_PERCENT": "10",
    "WINUX_GATEWAY_LISTEN": "127.0.0.1:8081",
    "WINUX_GATEWAY_URL": "",
    "WINUX_GATEWAY_MAX_CONNECTIONS": "500",
    "WINUX_GATEWAY_MAX_LISTENERS": "1000",
    "WINUX_EVENTS_URL": "",
    "WINUX_METRICS_TOKEN": "",
    "WINUX_MAX_CONNECTIONS": "10",
    "WINUX_IDLE_MINUTES": "60",
    "WINUX_TIME_ZONE": "UTC",
    "WINUX_WEBHOOK_NETWORKS": "",
    "WINUX_SIGN_IN_IDLE_MINUTES": "720",
    "WINUX_SIGN_IN_LONGEST_MINUTES": "10080",
    "WINUX_FRESH_SIGN_IN_MINUTES": "10",
    "WINUX_KEY_DAYS": "90",
    "WINUX_AUDIT_DAYS": "365",
    "WINUX_WORKER_SLOTS": "2",
    "WINUX_CLONES_PER_STORAGE": "2",
    "WINUX_STALE_LOCK_SECONDS": "300",
    "WINUX_TEMPLATE_KEEP_HOURS": "24",
    "WINUX_NODE_RESERVE_MB": "512",
    "WINUX_WHEN_FULL": "wait",
    "WINUX_BUILD_TIMEOUT_SECONDS": "300",
    "WINUX_DESTROY_TIMEOUT_SECONDS": "180",
    "WINUX_LEASE_SECONDS": "60",
    "WINUX_RECONCILE_SECONDS": "60",
    "WINUX_QUARANTINE_SECONDS": "120",
    "WINUX_RUN_DIR": str(CHECKOUT / "var" / "run"),
    "WINUX_SECRETS_DIR": "/dev/shm",  # noqa: S108 (a tmpfs on purpose: secrets never reach a disk)
    "WINUX_GUEST_KEY_FILE": str(CHECKOUT / "var" / "guest_key"),
    "WINUX_INVENTORY": str(CHECKOUT / "inventory" / "lab"),
    "WINUX_PLAYBOOKS_DIR": str(CHECKOUT / "playbooks"),
    "proxmox_api_host": None,
    "proxmox_api_port": "8006",
    "proxmox_api_user": None,
    "proxmox_api_token_id": None,
    "proxmox_api_token_secret": None,
    "proxmox_node": None,
    "proxmox_ca_file": "",
    "proxmox_pool": "winux",
    "proxmox_storage": None,
    "proxmox_bridge": None,
}


#: Former names of settings, which still work, and their new names.
FORMER = {"WINUX_GATEWAY": "WINUX_ROUTER"}


#: Settings that may come from a file named by NAME_FILE.
SECRETS = frozenset(
    {
        "WINUX_SECRET_KEY",
        "WINUX_ENCRYPTION_KEY",
        "WINUX_METRICS_TOKEN",
        "proxmox_api_token_secret",
    }
)


#: Further keys that a settings file may have; only the playbooks use them.
ALSO_IN_FILE = frozenset({"WINUX_CACHE_DIR", "proxmox_template_storage"})
