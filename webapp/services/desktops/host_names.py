"""Publishes the DNS names of all desktops, for a DNS server that reads them from a file."""

from sqlalchemy import select

from webapp.config import Config
from webapp.domain.desktops.host_names import hosts_lines
from webapp.domain.states import HOLDS_RESOURCES
from webapp.models import Desktop
from webapp.ports import Database, HostsFile


class HostNames:
    """Reads the names from the database."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._domain = config.desktop_domain

    def lines(self) -> str:
        """Return the name and address of each desktop, as lines of hosts(5); empty without a
        domain.

        Desktops that are being made or wait in the pool are included, so that a name resolves
        before its owner needs it.
        """
        if not self._domain:
            return ""
        query = select(Desktop.public_id, Desktop.address).where(
            Desktop.state.in_(HOLDS_RESOURCES), Desktop.address.is_not(None)
        )
        with self._db.read() as session:
            rows = session.execute(query).all()
        return hosts_lines([(row.public_id, row.address or "") for row in rows], self._domain)


class HostNameKeeper:
    """Keeps the file of the DNS server current."""

    def __init__(self, names: HostNames, file: HostsFile | None) -> None:
        self._names = names
        self._file = file

    def keep(self) -> None:
        """Write the file if it has other names or addresses. Raises OutsideFailed."""
        if self._file:
            self._file.write(self._names.lines())
