"""What the guard asks of the kernel, whichever way it drops: nftables or XDP. Decides nothing."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from stentor.shield.vocabulary import Address, Limits, Network

BANS_MAX = 16_384  # networks banned at once
VALIDATED_MAX = 8_192  # addresses and ports of speakers
SOURCES_MAX = 65_536  # addresses whose pace the kernel remembers
DROPS = ("banned", "syn", "udp", "unvalidated")  # why a packet was dropped; counters' names


class KernelRefused(Exception):
    """The kernel did not do what it was asked; the text says what it said."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is protected: ports of this machine, and who is never dropped.

    Bans hold at the listeners' port only: an operator behind a banned network can still take the
    ban back.
    """

    listeners_port: int
    other_ports: tuple[int, ...]  # TCP ports where only the pace of new connections is limited
    media_ports: tuple[int, int]  # first and last, UDP
    never: tuple[Network, ...] = field(default=())


class Kernel(Protocol):
    """One way to drop. Every method raises `KernelRefused`; all is gone when the process is."""

    how: Literal["nftables", "xdp"]

    def ban(self, network: Network, seconds: int) -> None:
        """Drop new connections from there, until so many seconds from now."""

    def unban(self, network: Network) -> None:
        """Drop them no longer; one that is not banned is no error."""

    def limit(self, limits: Limits) -> None:
        """Set the limits, in place of those before."""

    def validate(self, address: Address, port: int, seconds: int) -> None:
        """Let this one send to media ports, until so many seconds from now."""

    def drops(self) -> dict[str, int]:
        """Return how many packets were dropped since the start, by `DROPS`."""

    def tidy(self) -> None:
        """Forget what has expired; called about once a second."""

    def close(self) -> None:
        """Take everything back."""
