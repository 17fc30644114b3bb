"""What trials measure: real listeners before real edges on one machine, as facts. Decides nothing.

Times are seconds from a trial's beginning, CPU is seconds of one core, sizes are bytes.
"""

from enum import StrEnum

import msgspec

VISITS = 30  # of the room's page, in the stretch "pages"
TWENTIETHS = tuple(n / 20 for n in range(1, 20))  # what a curve of `Quantiles` is of


class Kind(StrEnum):
    """What a trial is for."""

    DELIVERIES = "deliveries"  # what a delivery costs: a programme much faster than life
    CROWD = "crowd"  # more come at once than may be looked at: what a join costs, and the queue
    TOLD = "told"  # the same before a door that lets nobody in: what it costs to tell a place
    LINE = "line"  # the door lets in so many a second, and several times as many come


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What edges did in a stretch of a trial, and what that took."""

    name: str
    listeners: int  # who were there; while deliveries are measured, the size that it is for
    seconds: float
    cpu_s: float
    deliveries: float
    sent_bytes: float
    joined: float
    places: float  # answers with a place in line
    notices: float  # looks at how the line stands
    asked_s: float  # of that CPU, what edges spent on who came or asked: the joiners' share
    piece_s: float = 0.0  # what a piece of always the same work took on their cores; 0: unknown
    also: dict[str, float] = {}  # what else they counted, by their metrics' names


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Listeners who came evenly between two moments."""

    count: int
    from_s: float
    until_s: float


class Quantiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long something took listeners; 0 of them where there was none."""

    of: int = 0
    p50: float = 0.0
    p95: float = 0.0
    curve: tuple[float, ...] = ()  # of each twentieth of them, from the first to the 19th


class Checked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What listeners checked of what they heard."""

    came: int = 0
    heard: int = 0
    listening: int = 0  # at the end
    parts: int = 0  # whose place in the programme was checked
    hashed: int = 0
    decoded: int = 0
    broken: int = 0  # differed, did not decode, or were no stream
    stalls: int = 0
    gaps: int = 0
    lost: int = 0
    refused: int = 0


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one time of a trial showed; each as in `Trial`."""

    cpu_s: float
    piece_s: float
    first_audio_s: Quantiles
    wait_s: Quantiles
    # What says why one time was not like the others; nothing is made of it.
    late_s: Quantiles = Quantiles()
    foreign: float = 0.0
    listeners_cpu_s: float = 0.0


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One trial. `void` says why its figures are worth nothing; empty if they are.

    A crowd comes several times: what it took and how long people waited are the medians of them
    (`each`), how many came is of one, and its windows have a name in common.
    """

    kind: Kind
    size: int  # listeners that it is named by
    tls: bool
    lane_parts: int
    edges: int  # processes
    cores: int  # of the edges
    apart: bool  # whether nobody else of the trial was on them
    join_share: float
    per_s: float  # that each edge lets in; 0: what it can
    at: str
    lasts_s: float
    version: str = ""  # digest of the code that ran (base.build)
    settings: dict[str, str] = {}  # the deployment's that it ran under, if not the default
    round: int = 1  # the same is tried again in later ones, by other processes
    times: int = 1  # that the crowd came
    each: tuple[Time, ...] = ()  # in order, without those that do not count
    left_out: tuple[str, ...] = ()  # why further times do not count
    groups: tuple[Group, ...] = ()
    windows: tuple[Window, ...] = ()
    cpu_s: float = 0.0  # of the edges, from the beginning to `lasts_s`
    piece_s: float = 0.0  # what a piece of always the same work took meanwhile; 0: unknown
    first_audio_s: Quantiles = Quantiles()  # of who came straight in
    served_audio_s: Quantiles = Quantiles()  # from one's turn, of who was in line
    wait_s: Quantiles = Quantiles()
    told_s: Quantiles = Quantiles()  # from coming to a place in line
    late_s: Quantiles = Quantiles()  # the load's own: from when somebody was due to connecting
    listeners_cpu_s: float = 0.0  # of the load's processes, with what it takes to start them
    announced: float = 0.0  # share of the waits that were within 20 % of what was announced
    checked: Checked = Checked()
    edge_bytes: float = 0.0  # an edge's memory with nobody there
    process_bytes: float = 0.0  # of an edge, for one listener
    kernel_bytes: float = 0.0  # the same of the kernel
    media_bits_per_s: float = 0.0  # of the programme, without anything around it
    foreign: float = 0.0  # share of the edges' cores that went to others
    stolen: float = 0.0  # share of them that the host took away
    void: str = ""

    @property
    def way(self) -> str:
        """How it was reached, for people."""
        return "TLS" if self.tls else "plain"

    def window(self, name: str) -> Window | None:
        """Return the first stretch of a name."""
        return next(iter(self.named(name)), None)

    def named(self, name: str) -> list[Window]:
        """Return all stretches of a name."""
        return [one for one in self.windows if one.name == name]


_LINE = msgspec.json.Encoder()


def encode_trial(trial: Trial) -> bytes:
    """Return one line of `trials.jsonl`."""
    return _LINE.encode(trial) + b"\n"


def decode_trials(data: bytes) -> list[Trial]:
    """Return what whole lines say; one that was cut off or is of another version is left out."""
    found = []
    for line in data.splitlines():
        try:
            found.append(msgspec.json.decode(line, type=Trial))
        except msgspec.MsgspecError:
            continue
    return found
