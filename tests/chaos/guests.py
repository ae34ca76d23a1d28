"""The guests of simulated containers: each running one answers on SSH and RDP at its address.

The lab node's memory backend simulates containers, but the playbooks connect to their guests. This
program detects which containers run and answers for them as a desktop does: an SSH server with a
host key of its own that accepts the portal's key, behind it the requests of `winux-guest`, and
XRDP's first words with a certificate of its own. The state of each desktop (user, password,
deadline) is written to a file, so that a test can compare it with the portal's data.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOK_S = 0.03
#: X.224 connection confirm with an RDP negotiation response that selects TLS (MS-RDPBCGR 2.2.1.2).
CONFIRM = bytes.fromhex("03000013 0ed00000123400 0200080001000000")


@dataclass
class Knowledge:
    """The state of a desktop; `users` are all accounts that it ever had."""

    vmid: int
    hwaddr: str
    """The address of its network card, which a restarted desktop keeps, and with it its keys."""
    boot: float = 0.0
    username: str = ""
    password: str = ""
    keyboard_layout: str = ""
    deadline_epoch: int = 0
    users: list[str] = field(default_factory=list)
    passwords: int = 0
    """The number of different passwords that it was given."""


class Guest:
    """One desktop; it keeps its state across restarts."""

    def __init__(self, vmid: int, address: str, hwaddr: str, folder: Path, key: Path) -> None:
        self.knowledge = Knowledge(vmid, hwaddr)
        self._address = address
        self._file = folder / f"{vmid}.json"
        self._key = key
        self._ssh_key = asyncssh.generate_private_key("ssh-ed25519")
        self._certificate, self._tls = make_certificate(f"desktop-{vmid}")
        self._servers: list[Any] = []

    async def start(self, boot: float) -> None:
        self.knowledge.boot = boot
        self._write()
        ssh = await asyncssh.listen(
            self._address,
            22,
            server_host_keys=[self._ssh_key],
            authorized_client_keys=str(self._key),
            process_factory=self._serve,
            reuse_address=True,
        )
        rdp = await asyncio.start_server(self._greet, self._address, 3389, reuse_address=True)
        self._servers = [ssh, rdp]

    def stop(self) -> None:
        for server in self._servers:
            server.close()
        self._file.unlink(missing_ok=True)

    async def _serve(self, process: Any) -> None:
        """Handle one request of winux-guest."""
        await self._be_held()
        try:
            answer = self._answer(json.loads(await process.stdin.read()))
        except (KeyError, TypeError, ValueError) as error:
            answer = {"error": f"not a request that winux-guest understands ({error!r})"}
        process.stdout.write(self._spelled(answer) + "\n")
        process.exit(1 if "error" in answer else 0)

    def _spelled(self, answer: dict[str, Any]) -> str:
        return json.dumps(answer)

    async def _be_held(self) -> None:
        """Hold a request for a test.

        The file `hold` beside ours counts down requests to any desktop; at 0 the request waits
        until the file is removed.
        """
        hold = self._file.with_name("hold")
        with contextlib.suppress(FileNotFoundError, ValueError):
            left = int(hold.read_text())
            hold.write_text(str(left - 1))
            while left == 0 and hold.exists():
                await asyncio.sleep(0.01)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        acts: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "personalise": self._personalise,
            "assign": self._assign,
            "deadline": self._deadline,
            "warn": lambda _: {"shown": 0},
            "since_input": lambda _: {"seconds": None},
        }
        answer = acts[request["do"]](request)
        self._write()
        return answer

    def _personalise(self, request: dict[str, Any]) -> dict[str, Any]:
        know, name, password = self.knowledge, request["username"], request["password"]
        if know.username and name != know.username:
            return {"error": f"this desktop belongs to the user {know.username!r} already"}
        know.users += [name] if name not in know.users else []
        know.passwords += password != know.password
        know.username, know.password = name, password
        know.keyboard_layout = request["keyboard_layout"]
        know.deadline_epoch = request["deadline_epoch"]
        return {"changed": True, "username": name, **self._identity()}

    def _assign(self, request: dict[str, Any]) -> dict[str, Any]:
        """Remove the account that the desktop was built with, unless it is the person's."""
        if self.knowledge.username != request["username"]:
            self.knowledge.username = ""
        return self._personalise(request)

    def _deadline(self, request: dict[str, Any]) -> dict[str, Any]:
        self.knowledge.deadline_epoch = request["deadline_epoch"]
        return {"changed": True}

    def _identity(self) -> dict[str, Any]:
        certificate = ssl.PEM_cert_to_DER_cert(self._certificate)
        return {
            "ssh_host_key_sha256": self._ssh_key.get_fingerprint(),
            "rdp_certificate_sha256": hashlib.sha256(certificate).hexdigest(),
            "rdp_certificate_pem": self._certificate,
            "deadline_epoch": self.knowledge.deadline_epoch,
        }

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readexactly(19)
            writer.write(CONFIRM)
            await writer.start_tls(self._tls)
            writer.close()

    def _write(self) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(asdict(self.knowledge)))
        part.replace(self._file)


def make_certificate(name: str) -> tuple[str, ssl.SSLContext]:
    """Create a self-signed certificate (PEM) and the TLS settings that present it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem + private)
        file.flush()
        context.load_cert_chain(file.name)
    return pem, context


class House:
    """All guests of one lab node, as its simulated containers start and stop."""

    kind: type[Guest] = Guest

    def __init__(self, memory: Path, folder: Path, key: Path) -> None:
        self._memory = memory
        self._folder = folder
        self._key = key
        self._guests: dict[int, Guest] = {}
        self._ever: dict[int, Guest] = {}
        self._seen: dict[int, tuple[int, float, str, str]] = {}

    async def watch(self) -> None:
        """Watch the containers; never returns."""
        while True:
            running = self._running()
            for vmid, guest in list(self._guests.items()):
                if running.get(vmid, (0.0,))[0] != guest.knowledge.boot:
                    self._guests.pop(vmid).stop()
            for vmid, (boot, address, hwaddr) in running.items():
                if vmid not in self._guests:
                    guest = self._ever.get(vmid)
                    if guest is None or guest.knowledge.hwaddr != hwaddr:
                        guest = self.kind(vmid, address, hwaddr, self._folder, self._key)
                    self._guests[vmid] = self._ever[vmid] = guest
                    await guest.start(boot)
            await asyncio.sleep(LOOK_S)

    def _running(self) -> dict[int, tuple[float, str, str]]:
        """Map each VM id to start time, address and network card.

        Reads a file again only after a change.
        """
        seen = {}
        for file in self._memory.glob("*.json"):
            with contextlib.suppress(FileNotFoundError, ValueError):
                vmid, changed_at = int(file.stem), file.stat().st_mtime_ns
                if self._seen.get(vmid, (0,))[0] != changed_at:
                    state = json.loads(file.read_text())
                    address = state["ip"].partition("/")[0]
                    seen[vmid] = (changed_at, state["started_at"], address, state["hwaddr"])
                else:
                    seen[vmid] = self._seen[vmid]
        self._seen = seen
        return {
            vmid: (boot, address, hwaddr)
            for vmid, (_, boot, address, hwaddr) in seen.items()
            if boot and address
        }


def main(kind: type[Guest] = Guest) -> None:
    parser = argparse.ArgumentParser(description="Answers for imagined desktops.")
    parser.add_argument("memory", type=Path, help="the memory backend's folder")
    parser.add_argument("folder", type=Path, help="where each desktop's knowledge is written")
    parser.add_argument("key", type=Path, help="the portal's public key")
    options = parser.parse_args()
    house = House(options.memory, options.folder, options.key)
    house.kind = kind
    asyncio.run(house.watch())


if __name__ == "__main__":
    main()
