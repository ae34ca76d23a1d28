"""The address of the Proxmox VE API (or the lab node), and the token for it."""

from dataclasses import dataclass
from pathlib import Path

from webapp.domain.origins import normal_host
from webapp.settings.reader import BadConfig, Reader, path_of

#: Names of nodes, storages and bridges in Proxmox VE.
_PROXMOX_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


@dataclass(frozen=True)
class ProxmoxConfig:
    """The address of the Proxmox VE API (or the lab node) and the token for it."""

    host: str
    port: int
    user: str
    token_id: str
    token_secret: str
    node: str
    ca_file: Path | None
    """The certificate authority to trust; None for the system's own store."""
    pool: str
    storage: str
    bridge: str

    @property
    def where(self) -> str:
        """Returns host and port, with an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _proxmox_host(read: Reader) -> str:
    text = read.text("proxmox_api_host")
    is_v6 = text.startswith("[") and text.endswith("]")
    try:
        return normal_host(text[1:-1] if is_v6 else text).strip("[]")
    except ValueError as error:
        raise BadConfig(
            f"proxmox_api_host is {text!r}; it takes a name or an address alone, such as "
            "pve1.example.org. The port is proxmox_api_port."
        ) from error


def _token_id(read: Reader, user: str) -> str:
    text = read.text("proxmox_api_token_id")
    if "!" in text:
        name = text.rpartition("!")[2]
        raise BadConfig(
            f"proxmox_api_token_id is {text!r}; it takes the token's name alone: {name!r}. "
            f"What stands before the ! is proxmox_api_user, which is {user!r}."
        )
    takes = "the token's name, such as portal: it begins with a letter, then letters, digits, . - _"
    return read.word("proxmox_api_token_id", r"[A-Za-z][A-Za-z0-9._-]+", takes)


def proxmox(read: Reader) -> ProxmoxConfig:
    ca_file = read.text("proxmox_ca_file")
    if ca_file and not path_of(ca_file).is_file():
        raise BadConfig(f"proxmox_ca_file names {ca_file}, which is not a file.")
    a_user = "a user with its realm, such as winux@pve"
    user = read.word("proxmox_api_user", r"[^\s:/!@]+@[A-Za-z][A-Za-z0-9._-]+", a_user)
    a_name = "a name as Proxmox VE shows it"
    read.secret("proxmox_api_token_secret", shortest=8)
    return ProxmoxConfig(
        host=_proxmox_host(read),
        port=read.number("proxmox_api_port", 1, 65_535),
        user=user,
        token_id=_token_id(read, user),
        token_secret=read.word("proxmox_api_token_secret", r"[!-~]+", "letters, digits and -"),
        node=read.word("proxmox_node", _PROXMOX_NAME, a_name),
        ca_file=path_of(ca_file) if ca_file else None,
        pool=read.word("proxmox_pool", rf"{_PROXMOX_NAME}(/{_PROXMOX_NAME})*", a_name),
        storage=read.word("proxmox_storage", _PROXMOX_NAME, a_name),
        bridge=read.word("proxmox_bridge", _PROXMOX_NAME, a_name),
    )
