"""What a pre-flight looks at, and how it answers: facts and words only.

A fact that could not be learned is None, and is never taken for a good one.
"""

from enum import StrEnum

import msgspec

from stentor.base.build import Build
from stentor.base.machine import Machine
from stentor.simulate.fleet.calibration import Calibration


class Word(StrEnum):
    """An item's answer."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Weight(StrEnum):
    """What an item other than yes means: vital ones stop the event, others are warnings."""

    VITAL = "vital"
    WARNING = "warning"


class Item(msgspec.Struct, frozen=True):
    """One thing that was looked at: a sentence about it, and one about what to do."""

    name: str
    word: Word
    weight: Weight
    told: str
    do: str = ""

    @property
    def stops(self) -> bool:
        """Whether the event should not go ahead for this alone."""
        return self.word is not Word.YES and self.weight is Weight.VITAL


class Expected(msgspec.Struct, frozen=True):
    """What is coming."""

    listeners: int
    lasts_s: int


class RoomFacts(msgspec.Struct, frozen=True):
    """The room. Times are Unix milliseconds."""

    epoch_ms: int
    end_ms: int | None
    host_links: int  # not withdrawn
    speaker_links: int
    links_end_ms: int | None  # when the first of those ends


class PartFacts(msgspec.Struct, frozen=True):
    """One process: whether it answers, None if that cannot be seen from here."""

    name: str
    answers: bool | None
    restarts: int = 0


class EdgeFacts(msgspec.Struct, frozen=True):
    """The edges of this machine, together where not said otherwise."""

    wanted: int  # processes, by the settings
    telling: int  # that told of themselves within the last seconds
    cores: int
    connections_each: int | None  # what descriptors and settings allow one process
    room_listeners_each: int  # edge_room_listeners_max
    memory_each_bytes: int  # edge_memory_bytes_max; 0: no limit
    memory_free_bytes: int | None
    tls: bool
    lane_ms_min: int
    lane_ms_max: int
    join_share: float


class NetworkFacts(msgspec.Struct, frozen=True):
    """What can be sent, bits a second, and who says so."""

    bits_per_s: float | None
    said_by: str = ""


class PortFacts(msgspec.Struct, frozen=True):
    """An address that people come to, and whether something listens there, seen from here."""

    who: str
    address: str
    reached: bool | None


class TlsFacts(msgspec.Struct, frozen=True):
    """The listeners' certificate: where it is spoken, and when it ends."""

    spoken_by: str  # "edges", "front" or "nobody"
    expires_ms: int | None


class ClockFacts(msgspec.Struct, frozen=True):
    """Whether this machine's clock is kept right; None if the kernel does not tell."""

    synchronised: bool | None
    error_s: float | None = None
    vouched: bool = False  # by the setting


class DiskFacts(msgspec.Struct, frozen=True):
    """Where the data folder lies."""

    free_bytes: int | None
    ledger_bytes: int
    ledger_bytes_max: int


class RehearsalFacts(msgspec.Struct, frozen=True):
    """A rehearsal that has a certificate."""

    name: str
    at_ms: int | None
    faults: tuple[str, ...]  # why its certificate does not hold; empty if it does
    sentence: str
    build: Build
    machine: Machine
    settings: dict[str, str]
    calibration: Calibration
    measured_max: int  # listeners at once, of the largest trial
    simulated_max: int  # at once, of the largest simulation that did not fail
    failed_since: int = 0  # later ones that have none


class Facts(msgspec.Struct, frozen=True):
    """All that was learned, at one moment."""

    now_ms: int
    room: RoomFacts | None
    parts: tuple[PartFacts, ...]
    ports: tuple[PortFacts, ...]
    edges: EdgeFacts
    network: NetworkFacts
    disk: DiskFacts
    clock: ClockFacts
    tls: TlsFacts
    build: Build
    machine: Machine
    settings: dict[str, str]  # those that are not the default
    rehearsals: tuple[RehearsalFacts, ...] = ()  # that have a certificate, the newest first


class Answer(msgspec.Struct, frozen=True):
    """Whether the event can go ahead, and why not. Items are in the order of the checks."""

    ready: bool
    sentence: str
    room: str
    at_ms: int
    expected: Expected
    rehearsal: str  # which one the costs are from; empty: those that come with the code
    items: tuple[Item, ...]
