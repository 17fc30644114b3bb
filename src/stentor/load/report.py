"""What a load found: counts and histograms that processes add up, and the figures made of them."""

from collections.abc import Iterable, Sequence

import msgspec

BIN_NS = 5_000_000
BINS_MAX = 40_000
_BIN_S = BIN_NS / 1e9
_ANSWERED_S = 3.0


class Histogram(msgspec.Struct):
    """Durations in bins of 5 ms; exact sums would need every value."""

    bins: dict[int, int] = {}
    largest_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        place = min(BINS_MAX, max(0, int(seconds / _BIN_S)))
        self.bins[place] = self.bins.get(place, 0) + 1
        self.largest_s = max(self.largest_s, seconds)

    def add_bins(self, counts: list[int]) -> None:
        """Count what was counted bin by bin."""
        for place, count in enumerate(counts):
            if count:
                self.bins[place] = self.bins.get(place, 0) + count
                self.largest_s = max(self.largest_s, (place + 1) * _BIN_S)

    def merge(self, other: "Histogram") -> None:
        """Add another's counts."""
        for place, count in other.bins.items():
            self.bins[place] = self.bins.get(place, 0) + count
        self.largest_s = max(self.largest_s, other.largest_s)

    def within(self, seconds: float) -> int:
        """Return how many took no longer."""
        return sum(count for place, count in self.bins.items() if (place + 1) * _BIN_S <= seconds)

    def figures(self) -> dict[str, float] | None:
        """Return p50, p95, p99 and the largest, None if there was nothing to count."""
        if not self.bins:
            return None
        found = self.quantiles((0.5, 0.95, 0.99))
        figures = dict(zip(("p50", "p95", "p99"), found, strict=True))
        figures["max"] = round(self.largest_s, 3)
        return figures

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Return what so much of them took at most, to 5 ms; `shares` rise, none is beyond 1."""
        total, seen, found = sum(self.bins.values()), 0, list[float]()
        for place in sorted(self.bins):
            seen += self.bins[place]
            while len(found) < len(shares) and seen >= shares[len(found)] * total:
                found.append(round((place + 1) * _BIN_S, 3))
        return found


class Tally(msgspec.Struct):
    """What one process's listeners saw."""

    wanted: int = 0
    listeners: int = 0  # had a stream at the end, or until the room ended
    heard: int = 0  # got audio
    refused: int = 0
    unanswered: int = 0  # connections that ended before any answer, in a TLS handshake too
    lost: int = 0  # connections that ended before the room did
    reconnects: int = 0
    gaps: int = 0  # parts that never came, without a word from the edge
    jumps: int = 0  # moved to the live edge, as the edge said
    missed_parts: int = 0  # parts that were over when a listener had come back
    repeated: int = 0  # parts that came twice (after a reconnect that is as it should be)
    stalls: int = 0
    odd_stalls: int = 0  # of slow and flaky listeners: their own doing
    stalled_listeners: int = 0
    stalled_s: float = 0.0
    broken: int = 0
    parts: int = 0
    bytes: int = 0
    by_head: int = 0  # deliveries of which only the head and the length were looked at
    sampled_parts: int = 0  # hashed, by the sample
    differing_parts: int = 0
    decoded_parts: int = 0
    undecodable_parts: int = 0
    heedless: int = 0  # asked again at once although they were told to wait
    left: int = 0  # of their own accord
    cut: int = 0  # connections that the load itself broke
    moved: int = 0  # to another lane, as the edge advised
    waited: int = 0  # came in by the line
    promised: int = 0  # of those, who had been told a time
    told_full: int = 0  # by the door, at first: no time was promised
    in_line: int = 0  # still waiting at the end
    doors_closed: int = 0  # came before the doors were open
    tickets_lost: int = 0  # showed a ticket and were given a worse place
    waits_within_10: int = 0  # of the promised: within 10 % of what was announced
    waits_within_20: int = 0
    processes: int = 0
    cpu_s: float = 0.0  # of the load's own processes
    resident_bytes: int = 0
    # The load's own lateness: from when somebody was due until they were connecting.
    late_s: Histogram = msgspec.field(default_factory=Histogram)
    first_audio_s: Histogram = msgspec.field(default_factory=Histogram)
    after_hour_s: Histogram = msgspec.field(default_factory=Histogram)
    behind_s: Histogram = msgspec.field(default_factory=Histogram)
    delivered_s: Histogram = msgspec.field(default_factory=Histogram)
    stall_s: Histogram = msgspec.field(default_factory=Histogram)
    back_s: Histogram = msgspec.field(default_factory=Histogram)  # from a loss to audio again
    told_s: Histogram = msgspec.field(default_factory=Histogram)  # from coming to a place in line
    wait_s: Histogram = msgspec.field(default_factory=Histogram)  # in line
    wait_error_s: Histogram = msgspec.field(default_factory=Histogram)  # against what was announced
    served_audio_s: Histogram = msgspec.field(default_factory=Histogram)  # from one's turn to audio
    lanes: dict[str, int] = {}  # listeners at the end by period in ms
    renditions: dict[str, int] = {}

    def merge(self, other: "Tally") -> None:
        """Add another process's."""
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Histogram):
                mine.merge(theirs)
            elif isinstance(mine, dict):
                for key, count in theirs.items():
                    mine[key] = mine.get(key, 0) + count
            else:
                setattr(self, name, mine + theirs)


def sum_tallies(tallies: Iterable[Tally]) -> Tally:
    """Return all processes' figures as one."""
    total = Tally()
    for one in tallies:
        total.merge(one)
    return total


def answered(tally: Tally) -> float:
    """Return the share who had audio or a place in line within 3 s of coming, or of the hour."""
    times = (tally.first_audio_s, tally.told_s, tally.after_hour_s)
    return sum(one.within(_ANSWERED_S) for one in times) / max(1, tally.wanted)


def figures(tally: Tally) -> dict[str, object]:
    """Return what is printed: counts as they are, histograms as percentiles."""
    found: dict[str, object] = {"answered_within_3_s": round(answered(tally), 4)}
    for name in tally.__struct_fields__:
        value = getattr(tally, name)
        if isinstance(value, Histogram):
            found[name] = value.figures()
        else:
            found[name] = round(value, 3) if isinstance(value, float) else value
    return found
