"""What an edge tells of one second: facts that those of other edges can be united with.

Bounded whatever the traffic, and mergeable (`shield.merge`): counters add up, and sketches unite
(`shield.sketches`: theta for distinct networks, counts by bucket for times). No address is in it.
Decides nothing.
"""

import msgspec

HEAVY_MAX = 64  # networks that one edge names in a second
ROOMS_MAX = 64  # rooms that one edge tells of in a second: those with most listeners


class Heavy(msgspec.Struct, frozen=True):
    """A network that stood out in this second: it asked or did wrong more than others.

    `network` is an `EventKey.name` of an IPv4 address or an IPv6 /64, /56 or /48.
    """

    network: str
    asks: int = 0  # connections that it made
    wrongs: int = 0  # what no player does: see `policy.Why`
    admitted: int = 0
    tickets: int = 0  # good tickets that it showed
    visited: bool = False  # somebody there looked at a page in this second, or asked for a reminder
    present: int = 0  # connections that it has now, listeners included
    listening: int = 0  # listeners, of those; by HLS one, however many
    error: int = 0  # by how much asks or wrongs may be too high; of one edge's second 0: exact
    why: str = ""  # which conduct (`policy.Why`) most of its wrongs were


class RoomSecond(msgspec.Struct, frozen=True):
    """One room at one edge. What it counts (joined to jumped) runs since that edge's start."""

    listeners: int = 0
    inside: int = 0  # connected before the hour
    epoch_ms: int = 0
    phase: str = ""  # scheduled, live, ended
    first_part_ms: int = 0  # when this edge delivered part 0; 0: not yet, or before it started
    part: int = -1  # newest part delivered
    joined: int = 0
    left: int = 0
    returned: int = 0
    jumped: int = 0
    recording: bool = True


class Load(msgspec.Struct, frozen=True):
    """How an edge stands, as its ladder saw it; see `admission.ladder.LoadFacts` for units."""

    cores: float = 1.0
    use: float = 0.0  # of its CPU, for deliveries
    delivery_cost_s: float = 0.0
    join_cost_s: float = 0.0
    joining: float = 0.0
    late_s: float = 0.0
    asked_per_s: float = 0.0
    connections: int = 0
    # Of those, who wait for their handshake since nobody last did: who came before that is silent.
    unserved: int = 0
    descriptors: float = 0.0
    memory: float = 0.0
    bits: float = 0.0
    by_lane_ms: dict[str, int] = {}


class DoorSecond(msgspec.Struct, frozen=True):
    """How the door stood; the line is that of the whole machine."""

    step: str = "all"
    lane_ms: int = 320
    line: bool = False
    waiting: int = 0
    per_s: float = 0.0
    serving_ms: int = 0


class StageSecond(msgspec.Struct, frozen=True):
    """What the media ports of one stage were sent in a second by others than its speakers."""

    stage: str
    at_ms: int
    speakers: int = 0  # sessions
    sifted: int = 0  # datagrams that the kernel dropped, by `stage.sieve`
    foreign: int = 0  # that the stage dropped itself

    @property
    def strays(self) -> int:
        """How many datagrams were dropped."""
        return self.sifted + self.foreign


class EdgeSecond(msgspec.Struct, frozen=True):
    """One edge, one second. Times are Unix milliseconds; sketches are their serialized bytes.

    `counts` are what `edge.counts.Counts` grew by in this second (fields that did not are left
    out), by the same names; the simulation uses those names too.
    """

    edge: str
    at_ms: int
    key_id: str = ""
    counts: dict[str, int] = {}
    rooms: dict[str, RoomSecond] = {}
    load: Load = Load()
    door: DoorSecond = DoorSecond()
    asking: bytes = b""  # theta: addresses (IPv4 /32, IPv6 /64) that asked to join
    coming_clusters: bytes = b""  # theta: clusters of all who came, whatever they did then
    visiting: bytes = b""  # theta: addresses seen doing what people do before they join
    visiting_clusters: bytes = b""  # theta: clusters seen doing what people do before they join
    holding: bytes = b""  # theta: addresses that showed a good ticket
    staying: bytes = b""  # theta: addresses where somebody has listened for `STAYED_S`
    wronging: bytes = b""  # theta: addresses that did what no player does
    heavy: tuple[Heavy, ...] = ()
    first_audio_s: bytes = b""  # `sketches.Times`: from when they could ask to audio
    queue_s: bytes = b""  # Times: in the kernel, and by TLS inside until their handshake
    turn_lag_s: bytes = b""  # Times: from one's turn to coming with the ticket
    kernel: dict[str, int] = {}  # growth of the kernel's drop counters
    policy: int = 0  # number of the policy that it obeys; 0: its own, safe one
    obeyed: dict[str, int] = {}  # what the policy did here in this second: `summary.OBEYED`
    # Who came with a reminder, each ticket once: whom somebody wanted here before it was crowded.
    vouched: int = 0
    unremembered: int = 0  # what did not fit into a bounded table
    refused: dict[str, int] = {}  # answers that were refusals, by `base.errors.Problem.kind`
