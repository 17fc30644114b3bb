"""When each network last did something: who showed a good ticket of late, who reads the shelf.

Bounded; decides nothing.
"""

from collections import OrderedDict
from collections.abc import Iterator

NETWORKS_MAX = 32_768  # with a good ticket of late, or known by name
TICKET_REMEMBERED_MS = 300_000


class Lately:
    """When each network last did something; who did it longest ago is forgotten first."""

    def __init__(self, span_ms: int, most: int = NETWORKS_MAX) -> None:
        self._span_ms = span_ms
        self._most = most
        self._at_ms: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._at_ms)

    def __iter__(self) -> Iterator[bytes]:
        """Yield those that are remembered."""
        return iter(self._at_ms)

    def __contains__(self, network: bytes) -> bool:
        """Say whether it is remembered; with `forget` once a second, whether it did it of late."""
        return network in self._at_ms

    def note(self, network: bytes, now_ms: int) -> None:
        """Note that it does it now."""
        at_ms = self._at_ms
        at_ms.pop(network, None)
        at_ms[network] = now_ms
        if len(at_ms) > self._most:
            del at_ms[next(iter(at_ms))]

    def did(self, network: bytes, now_ms: int) -> bool:
        """Say whether it did it within the span."""
        at_ms = self._at_ms.get(network)
        return at_ms is not None and now_ms - at_ms < self._span_ms

    def forget(self, now_ms: int) -> None:
        """Drop who did it too long ago."""
        at_ms = self._at_ms
        while at_ms:
            network = next(iter(at_ms))
            if now_ms - at_ms[network] < self._span_ms:
                return
            del at_ms[network]
