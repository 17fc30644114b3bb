"""What things cost on a machine, as real listeners showed: the only figures a simulation assumes.

All are CPU seconds of one core or bytes. Where they come from is part of them.
"""

import msgspec
from msgspec.structs import replace


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one way to be reached: plain, or by TLS."""

    delivery_s: dict[int, float]  # one delivery to one listener, by the lane's parts
    join_s: float  # letting one in, with all that it takes until the first audio is sent
    place_s: float  # telling one a place in line, connection and all
    page_s: float  # serving the page and what belongs to it, to one
    memory_bytes: float  # of one listener, process and kernel
    overhead: (
        float  # bytes on the wire against bytes of programme, packets and TLS, in the 0.96 s lane
    )
    notice_s: float = 25e-6  # of the door's notice, on a connection that is there
    # What somebody who comes to an edge that has nothing to do costs more: it has to wake up. A
    # crowd's are looked at many at a time, so this says nothing of how many can be let in.
    wake_s: float = 0.0
    # What a second is worth that was saved up of the joiners' share, against one that is earned
    # while they queue: more where full turns find warm caches, less where a crowd's first ones
    # take many turns, of a few each, and the share is full meanwhile.
    saved_worth: float = 1.0
    # What everybody who asks costs beside the joiners' share: the kernel's part and the loop's.
    beside_s: float = 0.0

    def times(self, factor: float) -> "Costs":
        """Return costs of which every CPU second is `factor` of them; bytes stay what they are."""
        seconds = {
            name: getattr(self, name) * factor
            for name in self.__struct_fields__
            if name.endswith("_s") and name != "delivery_s"
        }
        delivery_s = {lane: one * factor for lane, one in self.delivery_s.items()}
        return replace(self, delivery_s=delivery_s, **seconds)


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A machine's costs. `measured` is False for the figures that come with the code."""

    machine: str
    cores: int
    measured: bool
    plain: Costs
    tls: Costs
    edge_s: float  # an edge process with nobody there, a second
    edge_bytes: float  # its memory
    first_audio_s: float  # from asking to the first audio on an edge with nothing else to do
    at: str = ""  # when, ISO 8601
    version: str = ""

    def times(self, factor: float) -> "Calibration":
        """Return costs of a machine on which everything takes `factor` of the CPU."""
        plain, tls = self.plain.times(factor), self.tls.times(factor)
        return replace(self, plain=plain, tls=tls, edge_s=self.edge_s * factor)


SHIPPED = Calibration(
    machine="2 × shared core, Debian 12, Linux 6.18 (docs/benchmarks)",
    cores=2,
    measured=False,
    plain=Costs(
        delivery_s={1: 8.0e-6, 3: 8.0e-6, 6: 8.5e-6, 12: 9.0e-6, 24: 11.0e-6, 48: 15.0e-6},
        join_s=40e-6,
        place_s=90e-6,
        page_s=150e-6,
        memory_bytes=8000.0,
        overhead=1.165,  # counted: simulate.fleet.wire
    ),
    tls=Costs(
        delivery_s={1: 16e-6, 3: 18e-6, 6: 20e-6, 12: 26e-6, 24: 38e-6, 48: 60e-6},
        join_s=580e-6,
        place_s=630e-6,
        page_s=700e-6,
        memory_bytes=24_000.0,
        overhead=1.169,
    ),
    edge_s=0.01,
    edge_bytes=40e6,
    first_audio_s=0.02,
)
