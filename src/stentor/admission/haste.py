"""How often each network may come to one edge, and do wrong there.

To come and to do wrong have one pace, but apart: what some do wrong behind an address takes no
connection from the others there. Decides by counting alone; knows no connection and no clock.
"""

from collections.abc import Callable

from stentor.admission.shares import Held, Paced, levels

EASE = 0.5  # of the CPU time that joiners may have: what is used up to there is nobody's loss


class Haste:
    """Whose networks come too fast to one edge, and do wrong too often."""

    def __init__(self, per_s: float, burst: int) -> None:
        """`per_s` and `burst` are those of an IPv4 address or IPv6 /48; a rate of 0: no limit."""
        self.listening = Held(0)  # who has somebody there
        self.follows: Callable[[bytes], bool] = _nobody  # and who has by HLS
        self._per_s, self._burst = per_s, burst
        self._joins = Paced(per_s, burst)
        self._wrongs = Paced(per_s, burst)
        self._at_ease = False

    @property
    def unremembered(self) -> int:
        """How often a table of those who come fast was full, so that somebody was let in."""
        return self._joins.unremembered + self._wrongs.unremembered

    def is_hasty(self, peer: bytes, now_ns: int) -> bool:
        """Count one who comes; say whether their network comes too fast.

        A network may where somebody listens already, as long as there is time for all who come: a
        few bots behind a carrier's address would else lock out its people, for a protection that
        nobody needs.
        """
        if not self._joins.take(peer, now_ns):
            return False
        network = levels(peer)[-1]
        return not self._at_ease or not (self.listening.of(network) or self.follows(network))

    def charge(self, peer: bytes, now_ns: int) -> bool:
        """Count a wrong request; say whether there was room for it."""
        return not self._wrongs.take(peer, now_ns)

    def share(self, share: float) -> None:
        """Let every network have this share of its pace."""
        for paced in (self._joins, self._wrongs):
            paced.set_rate(self._per_s * share, round(self._burst * share))

    def tick(self, now_ns: int, joining: float) -> None:
        """Forget who has not come for a while; to be called about once a second.

        `joining` is how much of the CPU time for those who come was used (`LoadFacts`).
        """
        self._at_ease = joining < EASE
        self._joins.forget_idle(now_ns)
        self._wrongs.forget_idle(now_ns)


def _nobody(_network: bytes) -> bool:
    return False
