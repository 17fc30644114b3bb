"""The networks that people come from: providers of unlike size, houses, carriers' shared addresses.

As `simulate.world` has it for small evenings (`Population`), but made of a person's number and one
key, so that nobody's address is kept: eight million would not fit. Decides nothing.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.simulate.world import Chance, Networks, Population

NETWORKS = 1 << 32  # numbers of homes: a person's is drawn from all of them
# Our guesses. A carrier's address has some thousands of people behind it at the hour, a cluster
# (IPv4 /24 or IPv6 /48) about a hundred, unevenly.
BEHIND_CARRIER, PEOPLE_A_CARRIER, PEOPLE_A_CLUSTER = 0.15, 3_000, 120
_CLUSTERS = (400, 65_536)
_SKEW = 0.6


def population(listeners: int) -> Population:
    """Return how so many people are spread over networks."""
    least, most = _CLUSTERS
    return Population(
        clusters=max(least, min(most, listeners // PEOPLE_A_CLUSTER)),
        skew=_SKEW,
        ipv6=0.4,
        carriers=max(2, round(listeners * BEHIND_CARRIER / PEOPLE_A_CARRIER)),
        behind_carrier=BEHIND_CARRIER,
    )


class Homes:
    """What address is behind a number. Numbers are even; sizes of providers are not."""

    def __init__(self, chance: Chance, spread: Population) -> None:
        world = Networks(chance, spread)
        self._clusters = world.clusters
        self.carriers = world.carriers
        self.behind = spread.behind_carrier if world.carriers else 0.0
        self._upto = np.cumsum(world.weights)

    def addresses(self, numbers: NDArray[np.uint32]) -> list[bytes]:
        """Return the packed addresses of people whose numbers are these."""
        share = numbers / float(NETWORKS)
        shared = share < self.behind
        # What is left of the number says where in its cluster a house is.
        rest = (share - self.behind) / (1.0 - self.behind)
        at = np.minimum(np.searchsorted(self._upto, rest), len(self._clusters) - 1).tolist()
        mixed = (numbers * np.uint32(2_654_435_761)).tolist()  # Knuth's multiplicative hash
        found = []
        for n, is_shared in enumerate(shared.tolist()):
            if is_shared:
                found.append(self.carriers[mixed[n] % len(self.carriers)])
                continue
            cluster = self._clusters[at[n]]
            if len(cluster) == 3:
                found.append(cluster + bytes((2 + mixed[n] % 253,)))
            else:
                found.append(cluster + mixed[n].to_bytes(4) + b"\0\0\0\0\0\1")
        return found
