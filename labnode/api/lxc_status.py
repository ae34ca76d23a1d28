"""A container's power: status, start, stop, shutdown, reboot, and its addresses."""

from __future__ import annotations

import ipaddress
import time
from typing import Any

from labnode.api.lxc_rules import AUDIT, GUEST, VMID_PARAM
from labnode.backend import BackendError, Interface
from labnode.errors import BadParameters, Failed
from labnode.routes import Call, Routes, anyone, perm
from labnode.schema import FLAG, integer
from labnode.tasks import Died, Log

routes = Routes()

POWER = perm("/vms/{vmid}", "VM.PowerMgmt")
DEFAULT_TIMEOUT_S = 60
ASK_AGAIN_S = 2.0  # how often a shutdown checks whether its task should stop


@routes.add("GET", f"{GUEST}/status", anyone, VMID_PARAM)
def index(call: Call) -> object:
    """List the paths below a container's status."""
    call.node.guests.config(call.params["vmid"])
    words = ("current", "start", "stop", "shutdown", "migrate")
    return [{"subdir": name} for name in words]


@routes.add("GET", f"{GUEST}/status/current", AUDIT, VMID_PARAM)
def current(call: Call) -> object:
    """Return the state and resource usage of a container."""
    guests, vmid = call.node.guests, call.params["vmid"]
    return {**guests.status(vmid, guests.config(vmid)), "ha": {"managed": 0}}


@routes.add("GET", f"{GUEST}/interfaces", AUDIT, VMID_PARAM)
def interfaces(call: Call) -> object:
    """Return interfaces and addresses of a running container, null for any other."""
    vmid = call.params["vmid"]
    if not call.node.guests.is_running(vmid):
        return None
    try:
        return [_interface(each) for each in call.node.backend.interfaces(vmid)]
    except BackendError:  # it stopped between the two calls
        return None


@routes.add("POST", f"{GUEST}/status/start", POWER, {**VMID_PARAM, "debug": FLAG, "skiplock": FLAG})
def start(call: Call) -> object:
    """Start a container, in the background; the task checks whether that is possible."""
    vmid, skips_lock = call.params["vmid"], _skips_lock(call)
    if call.node.guests.is_running(vmid):
        raise Failed(f"CT {vmid} already running")
    return spawn_start(call, vmid, skips_lock=skips_lock)


def spawn_start(call: Call, vmid: int, *, skips_lock: bool = False) -> str:
    """Start the task that starts a container; return its UPID."""

    def work(log: Log) -> None:
        with call.node.guests.file_lock(vmid, log):
            call.node.guests.start(vmid, skip_lock=skips_lock)

    return call.spawn("vzstart", vmid, work)


@routes.add(
    "POST",
    f"{GUEST}/status/stop",
    POWER,
    {**VMID_PARAM, "overrule-shutdown": FLAG, "skiplock": FLAG},
)
def stop(call: Call) -> object:
    """Kill a container, in the background."""
    vmid, skips_lock = call.params["vmid"], _skips_lock(call)
    _check_running(call, "CT")

    def work(log: Log) -> None:
        with call.node.guests.file_lock(vmid, log):
            if not skips_lock:
                call.node.guests.check_lock(vmid)
            call.node.backend.stop(vmid)

    return call.spawn("vzstop", vmid, work)


@routes.add(
    "POST",
    f"{GUEST}/status/shutdown",
    POWER,
    {**VMID_PARAM, "forceStop": FLAG, "timeout": integer(0)},
)
def shutdown(call: Call) -> object:
    """Ask a container to shut down, and kill it after the timeout if `forceStop` is given."""
    _check_running(call, "CT")

    def work(log: Log) -> None:
        with call.node.guests.file_lock(call.params["vmid"], log):
            _bring_down(call, log, kills=bool(call.params.get("forceStop")))

    return call.spawn("vzshutdown", call.params["vmid"], work)


@routes.add("POST", f"{GUEST}/status/reboot", POWER, {**VMID_PARAM, "timeout": integer(0)})
def reboot(call: Call) -> object:
    """Shut a container down and start it again."""
    vmid = call.params["vmid"]
    _check_running(call, "VM")

    def work(log: Log) -> None:
        with call.node.guests.file_lock(vmid, log):
            _bring_down(call, log, kills=False)
            # Restarted by a hook of the stop: on a real node that hook waits for the stop's lock.
            log("trying to acquire lock...")
            log(" OK")
            call.node.guests.start(vmid)

    return call.spawn("vzreboot", vmid, work)


def _bring_down(call: Call, log: Log, *, kills: bool) -> None:
    vmid = call.params["vmid"]
    call.node.guests.check_lock(vmid)
    timeout = call.params.get("timeout", DEFAULT_TIMEOUT_S)
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        if call.node.backend.shutdown(vmid, min(left, ASK_AGAIN_S)):
            return
        if log.is_interrupted:
            command = f"lxc-stop -n {vmid} --nokill --timeout {timeout}"
            log(f"command '{command}' failed: received interrupt")
            raise Died
    if not kills:
        raise BackendError("container did not stop")
    call.node.backend.stop(vmid)


def _check_running(call: Call, word: str) -> None:
    vmid = call.params["vmid"]
    if not call.node.guests.is_running(vmid):
        raise Failed(f"{word} {vmid} not running")


def _skips_lock(call: Call) -> bool:
    if call.params.get("skiplock") and call.user != "root@pam":
        raise BadParameters({"skiplock": "Only root may use this option."})
    return bool(call.params.get("skiplock"))


def _interface(interface: Interface) -> dict[str, Any]:
    addresses = [a for a in (interface.inet, interface.inet6) if a]
    return {
        "name": interface.name,
        "hwaddr": interface.hwaddr,
        "hardware-address": interface.hwaddr,
        "ip-addresses": [_address(address) for address in addresses],
        **({"inet": interface.inet} if interface.inet else {}),
        **({"inet6": interface.inet6} if interface.inet6 else {}),
    }


def _address(cidr: str) -> dict[str, str]:
    parsed = ipaddress.ip_interface(cidr)
    return {
        "ip-address": str(parsed.ip),
        "ip-address-type": "inet" if parsed.version == 4 else "inet6",
        "prefix": str(parsed.network.prefixlen),
    }
