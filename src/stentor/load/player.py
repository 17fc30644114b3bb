"""A player as arithmetic: when it starts, where it plays, and when its buffer ran dry. Pure.

It starts once it has its target, plays at real time, stops when there is nothing left and starts
again when the target is there. Like a page's player it does not keep more than the target.
"""

from stentor.media.grid import PART_SAMPLES, SAMPLE_RATE

_NS = 1_000_000_000
MARGIN_S = 0.5  # what a player keeps beyond the period in which parts come


class Player:
    """One listener's playback. Positions are samples since the room's epoch."""

    __slots__ = ("_anchor", "_anchor_ns", "_end", "_first", "_target", "playing", "stalled_ns")

    def __init__(self, target_s: float) -> None:
        self._target = round(target_s * SAMPLE_RATE)
        self._anchor = 0
        self._anchor_ns = 0
        self._first = -1
        self._end = 0
        self.playing = False
        self.stalled_ns = 0

    def position(self, now_ns: int) -> int:
        """Return what is heard now; beyond `_end` it would be silence."""
        return self._anchor + (now_ns - self._anchor_ns) * SAMPLE_RATE // _NS

    def take(self, first_part: int, parts: int, now_ns: int, *, contiguous: bool) -> int:
        """Take parts; return for how many nanoseconds there was nothing to play before them."""
        stalled_ns = self.dry_ns(now_ns)
        if stalled_ns:
            self.playing = False
            self.stalled_ns += stalled_ns
        start = first_part * PART_SAMPLES
        if self._first < 0 or not contiguous:
            self._first = start
            self.playing = False
        elif stalled_ns:
            self._first = self._end  # what was missed while dry is still played
        self._end = start + parts * PART_SAMPLES
        if not self.playing and self._end - self._first >= self._target:
            self.playing = True
            self._anchor = self._end - self._target
            self._anchor_ns = now_ns
        return stalled_ns

    def dry_ns(self, now_ns: int) -> int:
        """Return for how long there has been nothing to play by now."""
        if not self.playing:
            return 0
        over = self.position(now_ns) - self._end
        return max(0, over * _NS // SAMPLE_RATE)
