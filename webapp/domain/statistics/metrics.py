"""The metrics that Winux exports: name, kind, description, labels, buckets, and their values.

docs/admin/metrics.md describes each; the dashboard and the alerts use them (tests compare).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The metric types of Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """One metric. `buckets` are a histogram's upper bounds in seconds, ascending, without +Inf."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sample:
    """The value of a counter or gauge for one set of labels."""

    labels: tuple[str, ...]
    value: float


@dataclass
class Distribution:
    """A histogram's counts for one set of labels; the last count is above all buckets."""

    labels: tuple[str, ...]
    counts: list[int]
    total: float = 0.0

    def cumulated(self, buckets: Sequence[float]) -> list[tuple[str, int]]:
        """Returns each upper bound with its cumulative count, as Prometheus requires."""
        bounds = [*(f"{bound:g}" for bound in buckets), "+Inf"]
        return [(bound, sum(self.counts[: n + 1])) for n, bound in enumerate(bounds)]


@dataclass(frozen=True)
class Family:
    """A metric with its values; a metric without values is exported without samples."""

    metric: Metric
    samples: Sequence[Sample] = ()
    distributions: Sequence[Distribution] = field(default=())


LAUNCH_BUCKETS = (0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300)
STAGE_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300)
DELAY_BUCKETS = (0.5, 1, 2, 3, 5, 10, 30, 60, 300)
TEARDOWN_BUCKETS = (0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 900, 3600)

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

# -- counted from history -------------------------------------------------------------------------

LAUNCHES = Metric(
    "winux_launches_total",
    _C,
    "Desktops that people launched; start is warm (from the pool) or cold (built).",
    ("template", "start"),
)
LAUNCH_SECONDS = Metric(
    "winux_launch_seconds",
    _H,
    "Time from the click to a ready desktop.",
    ("template", "start"),
    LAUNCH_BUCKETS,
)
STAGE_SECONDS = Metric(
    "winux_build_stage_seconds",
    _H,
    "Duration of each build stage: the wait in the queue, then each role of the playbook.",
    ("stage",),
    STAGE_BUCKETS,
)
FAILURES = Metric(
    "winux_failures_total",
    _C,
    "Desktops that failed, by stage and reason.",
    ("template", "stage", "reason"),
)
ENDS = Metric("winux_ends_total", _C, "Desktops that ended, by reason.", ("template", "reason"))
EXPIRY_DELAY = Metric(
    "winux_expiry_delay_seconds",
    _H,
    "Time from a desktop's deadline to the request for its teardown.",
    (),
    DELAY_BUCKETS,
)
TEARDOWN_SECONDS = Metric(
    "winux_teardown_seconds",
    _H,
    "Time from the request for a teardown to the confirmed removal of the container.",
    (),
    TEARDOWN_BUCKETS,
)
CONNECTIONS = Metric(
    "winux_connections_total",
    _C,
    "Connections opened.",
    ("protocol", "door", "target"),
)
CONNECTION_ENDS = Metric(
    "winux_connection_ends_total", _C, "Connections that ended, by reason.", ("reason",)
)
CONNECTION_BYTES = Metric(
    "winux_connection_bytes_total",
    _C,
    "Bytes relayed by connections; up is towards the desktop.",
    ("direction",),
)
CONNECTION_CPU = Metric(
    "winux_connection_cpu_seconds_total",
    _C,
    "Processor time of the gateways for connections.",
)
CONNECTIONS_SLOWED = Metric(
    "winux_connections_slowed_total",
    _C,
    "Connections that were slowed because their person exceeded the processor share.",
)
REFUSALS = Metric(
    "winux_refusals_total",
    _C,
    "Refused requests, by action and by the rule that refused them.",
    ("action", "reason"),
)
FOUND = Metric(
    "winux_findings_total",
    _C,
    "Differences between database and nodes found by reconciliation, by kind.",
    ("kind",),
)

# -- as it is now ---------------------------------------------------------------------------------

DESKTOPS = Metric(
    "winux_desktops",
    _G,
    "Desktops that exist now, by state; owner is person or pool.",
    ("template", "state", "owner"),
)
ANSWERING_BADLY = Metric(
    "winux_desktops_answering_badly",
    _G,
    "Desktops whose last answer was invalid or missing.",
)
POOL_TARGET = Metric(
    "winux_pool_target", _G, "Desktops that the pool should hold now.", ("template",)
)
QUEUE_LENGTH = Metric("winux_queue_length", _G, "Builds waiting for a worker.", ("owner",))
QUEUE_OLDEST = Metric(
    "winux_queue_oldest_seconds", _G, "How long the oldest waiting build has waited.", ("owner",)
)
OVERDUE = Metric(
    "winux_overdue_seconds",
    _G,
    "Time since the deadline of the longest overdue desktop whose teardown is not requested yet.",
)
TEARDOWN_OLDEST = Metric(
    "winux_teardown_oldest_seconds", _G, "Time since the request of the oldest unfinished teardown."
)
RESERVATIONS = Metric(
    "winux_reservations", _G, "VM ids and addresses that desktops hold.", ("kind",)
)
RESERVABLE = Metric(
    "winux_reservable", _G, "All VM ids and addresses in the configured ranges.", ("kind",)
)
OPEN_CONNECTIONS = Metric(
    "winux_connections_open",
    _G,
    "Open connections.",
    ("protocol", "door", "target"),
)
WORKERS = Metric("winux_workers", _G, "Workers with a heartbeat in the last 30 seconds.")
WORKER_AGE = Metric(
    "winux_worker_beat_age_seconds", _G, "Time since the last heartbeat of any worker."
)
PROXMOX_UP = Metric(
    "winux_proxmox_up", _G, "Whether Proxmox answered the worker with the latest heartbeat: 1 or 0."
)
PROXMOX_AGE = Metric("winux_proxmox_age_seconds", _G, "Time since Proxmox last answered a worker.")
NODE_ONLINE = Metric(
    "winux_node_online", _G, "Whether the node could be used at the last check: 1 or 0.", ("node",)
)
NODE_ANSWER = Metric(
    "winux_node_answer_seconds", _G, "How long the node took to list its containers.", ("node",)
)
NODE_MEMORY = Metric("winux_node_memory_bytes", _G, "The node's memory.", ("node",))
NODE_FREE = Metric("winux_node_memory_free_bytes", _G, "The node's free memory.", ("node",))
NODE_STORAGE_FREE = Metric(
    "winux_node_storage_free_bytes", _G, "Free space for the desktops' disks.", ("node",)
)
CAPACITY = Metric(
    "winux_capacity",
    _G,
    "Approximate number of further desktops that can be launched now.",
    ("template",),
)
RESTING = Metric(
    "winux_template_resting",
    _G,
    "Whether a template rests after consecutive failures and takes no launches: 1 or 0.",
    ("template",),
)
CLONES = Metric("winux_clones_running", _G, "Clones in progress.")
FINDINGS = Metric(
    "winux_findings_open",
    _G,
    "Unresolved differences between database and nodes, by kind.",
    ("kind",),
)
DOCTOR = Metric(
    "winux_doctor_parts", _G, "Parts of the installation, by the doctor's result.", ("health",)
)
MARK_AGE = Metric(
    "winux_tally_age_seconds", _G, "Age of the oldest history that is not aggregated yet."
)
METRICS: dict[str, Metric] = {
    value.name: value for value in list(vars().values()) if isinstance(value, Metric)
}
