"""In which banned networks somebody listens at an edge that saw nothing of what was done.

Other edges did, and the shield does not know who is here. Looks through who listens in bounded
steps, a second each, when the bans are others; who begins to listen later is told to it. Pure;
lifts none itself.
"""

from collections.abc import Callable, Collection, Iterable
from heapq import nlargest

from stentor.shield.keys import EventKey

LOOKED_AT_MAX = 8_192  # networks a second: about five milliseconds
TOLD_MAX = 16  # of the networks that an edge names in a second
_AGAIN = 30  # looks after which all are looked through again, whatever was told


class Bystanders:
    """What is known of who listens where others are banned."""

    def __init__(self) -> None:
        self._unseen: list[bytes] = []
        self._found: set[bytes] = set()
        self._looked_for: Collection[tuple[int, int]] = ()
        self._rested = 0  # looks since all were looked through

    def begins(self, network: bytes) -> None:
        """Note that somebody begins to listen in a network that is banned."""
        self._found.add(network)

    def look(
        self,
        bans: Collection[tuple[int, int]],
        key: EventKey,
        networks: Callable[[], Iterable[bytes]],
        listening: Callable[[bytes], int],
    ) -> list[bytes]:
        """Return the banned networks with most listeners here that are known by now.

        `bans` are lengths and numbers as `EventKey.read` has them, another object when they are
        others; `networks` all in which anybody listens, and `listening` says how many.
        """
        if not bans:
            self._unseen.clear()
            self._found.clear()
            self._looked_for = ()
            return []
        if not self._unseen:
            self._rested += 1
            if bans is not self._looked_for or self._rested > _AGAIN:
                lengths = {length for length, _ in bans}
                self._unseen = [one for one in networks() if len(one) in lengths]
                self._looked_for, self._rested = bans, 0
        some = self._unseen[-LOOKED_AT_MAX:]
        del self._unseen[-LOOKED_AT_MAX:]
        some += self._found
        numbers = key.numbers(some)
        found = zip(some, numbers, strict=True)
        here = {one: listening(one) for one, number in found if (len(one), number) in bans}
        self._found = {one for one, count in here.items() if count}
        return nlargest(TOLD_MAX, sorted(self._found), key=lambda one: here[one])
