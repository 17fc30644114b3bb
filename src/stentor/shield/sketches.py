"""Sketches whose bytes are the same for the same facts, in whatever order they came.

How many are different: Apache DataSketches' theta. How long things took: counts by bucket of a
fixed relative width (as in DDSketch, VLDB 2019), which add up exactly; KLL and its relatives toss
coins, so that nobody could reproduce a verdict bit for bit. Decides nothing.
"""

from bisect import bisect_left
from collections.abc import Iterable

import msgspec
from datasketches import (
    compact_theta_sketch,
    theta_a_not_b,
    theta_union,
    update_theta_sketch,
)

EDGE_LG_K = 10  # of one edge's second: 8 KiB at most, 3 % off in two cases of three
UNION_LG_K = 13  # of all edges and minutes: 64 KiB at most, 1 % off
_WIDTH = 1.05
_FIRST_S = 0.001
_BUCKETS = 300  # the last one is half an hour and everything beyond


def _bounds() -> tuple[float, ...]:
    bounds, bound = [], _FIRST_S
    for _ in range(_BUCKETS - 1):
        bounds.append(bound)
        bound *= _WIDTH
    return tuple(bounds)


_BOUNDS = _bounds()


class Distinct:
    """How many different numbers there were. Numbers are `EventKey.number`: keyed already."""

    __slots__ = ("_sketch", "add")

    def __init__(self, lg_k: int = EDGE_LG_K) -> None:
        """`lg_k` is how many it remembers at most, as a power of two."""
        self._sketch = update_theta_sketch(lg_k)
        self.add = self._sketch.update

    def close(self) -> None:
        """Let go of the sketch; nothing can be done with it afterwards."""
        self._sketch = self.add = None

    def take(self) -> bytes:
        """Return the sketch's bytes (nothing, if nothing was added) and begin again."""
        sketch = self._sketch
        if sketch.is_empty():
            return b""
        sketch.trim()  # exactly the smallest: what is kept depends on no order
        data: bytes = sketch.compact(True).serialize()
        sketch.reset()
        return data


def read(data: bytes) -> compact_theta_sketch | None:
    """Return a sketch of `Distinct`; None for no bytes. Raises `ValueError` for what is none."""
    if not data:
        return None
    try:
        return compact_theta_sketch.deserialize(data)
    except (RuntimeError, ValueError, IndexError) as error:
        raise ValueError(f"not a theta sketch: {error}") from None


def united(sketches: Iterable[bytes], lg_k: int = UNION_LG_K) -> bytes:
    """Return the sketch of all that any of these holds; the same for any order of them."""
    union, some = theta_union(lg_k), False
    for data in sketches:
        sketch = read(data)
        if sketch is not None:
            union.update(sketch)
            some = True
    return bytes(union.get_result(True).serialize()) if some else b""


def estimate(data: bytes) -> float:
    """Return about how many different ones a sketch holds."""
    sketch = read(data)
    return 0.0 if sketch is None else float(sketch.get_estimate())


def split(one: bytes, other: bytes) -> tuple[int, int]:
    """Return how many of one sketch's sample are in the other too, and how many are not.

    Of few all are in the sample; of many it is a fair one, as large as either sketch allows.
    """
    first, second = read(one), read(other)
    if first is None:
        return 0, 0
    if second is None:
        return 0, int(first.num_retained)
    only = theta_a_not_b().compute(first, second, True)
    both = theta_a_not_b().compute(first, only, True)  # a tenth of what an intersection takes
    return int(both.num_retained), int(only.num_retained)


def without(one: bytes, other: bytes) -> bytes:
    """Return the sketch of those that are in one and not in the other."""
    first, second = read(one), read(other)
    if first is None or second is None:
        return one
    return bytes(theta_a_not_b().compute(first, second, True).serialize())


class Times:
    """How long things took, in seconds, to within 2.5 %: 1 ms to half an hour."""

    __slots__ = ("counts",)

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        """`counts` are those by bucket, if there are some already."""
        self.counts: dict[int, int] = {} if counts is None else counts

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(self.counts.values())

    def add(self, seconds: float, times: int = 1) -> None:
        """Note one."""
        bucket = bisect_left(_BOUNDS, seconds)
        self.counts[bucket] = self.counts.get(bucket, 0) + times

    def merge(self, other: "Times") -> None:
        """Note all of the other's."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count

    def quantile(self, share: float) -> float:
        """Return the time that this share of all does not exceed; 0 if there are none."""
        wanted, found = share * len(self), 0
        for bucket, count in sorted(self.counts.items()):
            found += count
            if found >= wanted:
                return self.middle(bucket)
        return 0.0

    @staticmethod
    def middle(bucket: int) -> float:
        """Return the time that stands for a bucket."""
        if bucket == 0:
            return _FIRST_S / 2
        high = _BOUNDS[min(bucket, len(_BOUNDS) - 1)]
        return (_BOUNDS[bucket - 1] + high) / 2

    def take(self) -> bytes:
        """Return the counts as bytes (nothing, if there are none) and begin again."""
        counts, self.counts = self.counts, {}
        return msgspec.msgpack.encode(sorted(counts.items())) if counts else b""

    @classmethod
    def read(cls, data: bytes) -> "Times":
        """Return what `take` wrote; raises `ValueError` for anything else."""
        if not data:
            return cls()
        try:
            pairs = msgspec.msgpack.decode(data, type=list[tuple[int, int]])
        except msgspec.MsgspecError as error:
            raise ValueError(f"not counts of times: {error}") from None
        if any(not 0 <= bucket < _BUCKETS or count < 0 for bucket, count in pairs):
            raise ValueError("not counts of times")
        return cls(dict(pairs))
