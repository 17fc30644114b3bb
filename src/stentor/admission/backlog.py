"""How many may wait for their TLS handshake: half a second's worth, while there are too many.

Who would wait for longer than a page has patience costs others their turn and hears nothing. So
while there is more to do than time, one more lets those go who have waited longest ("drop from
front": T. Lakshman, A. Neidhardt and T. Ott, INFOCOM 1996), and no more wait in the kernel than
here. Decides a number; whom it meets is the edge's.
"""

WORTH_S = 0.5
LEAST = 16
_FOLLOWS = 0.5  # of the difference, each second
_FALLS = 0.95  # at most, each second: the limit itself makes it a little less each time


class Backlog:
    """The limit of those who wait at one edge."""

    def __init__(self, most: int, *, least: int = LEAST) -> None:
        """`most` holds as long as all are served in time."""
        self._most, self._least = most, least
        self._per_s = 0.0
        self.limit = most

    def second(self, begun: int, past_s: float, *, all_served: bool) -> None:
        """Note how many handshakes were begun in the `past_s` seconds since the last call.

        `all_served`: in one moment of them at least nobody waited who had said something. Then
        nobody is in the way of anybody: a burst is not cut, and who keeps silent does not count.
        """
        if all_served:
            self._per_s, self.limit = 0.0, self._most
            return
        per_s = begun / max(past_s, 0.001)
        if self._per_s:
            followed = self._per_s + (per_s - self._per_s) * _FOLLOWS
            per_s = max(followed, self._per_s * _FALLS)
        self._per_s = per_s
        self.limit = min(self._most, max(self._least, round(WORTH_S * per_s)))
