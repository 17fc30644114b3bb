"""Which listeners came a moment ago: who is gone again at once, and who stays.

Bots join and leave; people who are let in mostly stay. Bounded; decides nothing about anybody, and
who came with another edge's sockets is nobody's newcomer.
"""

from collections import OrderedDict
from collections.abc import Iterator

SOON_S = 5.0  # who leaves before has left soon
STAYED_S = 20.0
NEWCOMERS_MAX = 65_536  # joins of twenty seconds at more than any edge lets in


class Newcomers:
    """Listeners of the last `STAYED_S`, by whatever number they have. Times must not go back."""

    def __init__(self, most: int = NEWCOMERS_MAX) -> None:
        """`most` are remembered at once."""
        self._most = most
        # In order of coming. To find the oldest of a dict is to pass over all that were deleted
        # before it: with 2,800 joins a second that took 83 ms of each.
        self._since: OrderedDict[int, tuple[float, bytes]] = OrderedDict()
        self.unremembered = 0

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._since)

    def joined(self, who: int, peer: bytes, now_s: float) -> None:
        """Note a listener at a packed address."""
        self._since.pop(who, None)
        if len(self._since) < self._most:
            self._since[who] = now_s, peer
        else:
            self.unremembered += 1

    def left(self, who: int, now_s: float) -> bool:
        """Note that a listener is gone; say whether that was soon."""
        since = self._since.pop(who, None)
        return since is not None and now_s - since[0] < SOON_S

    def take_unremembered(self) -> int:
        """Return for how many there was no room since this was last asked."""
        found, self.unremembered = self.unremembered, 0
        return found

    def stayed(self, now_s: float) -> Iterator[bytes]:
        """Forget who is no newcomer any more, and return their addresses."""
        while self._since:
            who = next(iter(self._since))
            at_s, peer = self._since[who]
            if now_s - at_s < STAYED_S:
                return
            del self._since[who]
            yield peer
