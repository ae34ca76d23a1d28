"""The state that both sides of a conversation read and change."""

from dataclasses import dataclass, field

from webapp.gateway.rdp.clipboard import Opening
from webapp.gateway.rdp.dynamic_channels import DynamicChannels
from webapp.gateway.rdp.mcs_domain import Domain
from webapp.gateway.rdp.pdu.work import Work
from webapp.gateway.rdp.sequence import Sequence


@dataclass(frozen=True)
class Shared:
    """One of each for a connection."""

    sequence: Sequence = field(default_factory=Sequence)
    domain: Domain = field(default_factory=Domain)
    opening: Opening = field(default_factory=Opening)
    dynamic: DynamicChannels = field(default_factory=DynamicChannels)
    work: Work = field(default_factory=Work)
