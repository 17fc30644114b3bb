"""Where people and attackers are: providers of unlike size, carriers' shared addresses, IPv6.

Draws packed addresses; decides nothing else. All chance is the generator that is passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Chance = np.random.Generator


@dataclass(frozen=True, slots=True)
class Population:
    """How a population is spread over networks. Shares are 0 to 1."""

    clusters: int = 400  # IPv4 /24 and IPv6 /48
    skew: float = 1.0  # of a Zipf law over clusters: 0 is even
    ipv6: float = 0.4
    carriers: int = 2  # addresses with very many people behind them
    behind_carrier: float = 0.1


class Networks:
    """The networks of one population: a place in them is drawn for each person."""

    def __init__(self, chance: Chance, population: Population) -> None:
        self._chance = chance
        self.population = population
        n = population.clusters
        is_v6 = chance.random(n) < population.ipv6
        self.clusters = [_prefix6(chance) if is_v6[at] else _prefix4(chance) for at in range(n)]
        weights = np.arange(1, n + 1, dtype=float) ** -population.skew
        chance.shuffle(weights)
        self.weights = weights / weights.sum()
        self.carriers = [_prefix4(chance) + b"\x01" for _ in range(population.carriers)]

    def draw(self, n: int) -> list[bytes]:
        """Return the addresses of so many people."""
        chance = self._chance
        at = chance.choice(len(self.clusters), n, p=self.weights)
        shared = chance.random(n) < (self.population.behind_carrier if self.carriers else 0.0)
        carrier = chance.integers(0, max(1, len(self.carriers)), n)
        hosts = chance.integers(2, 255, n)
        houses = chance.integers(0, 1 << 16, n)
        own = [-1 if behind else i for i, behind in zip(at.tolist(), shared.tolist(), strict=True)]
        return [
            self.carriers[n] if peer is None else peer
            for n, peer in zip(
                carrier.tolist(), addresses(chance, self.clusters, own, hosts, houses), strict=True
            )
        ]

    def is_shared(self, peer: bytes) -> bool:
        """Say whether an address is a carrier's."""
        return peer in self.carriers


def addresses(
    chance: Chance,
    clusters: Sequence[bytes],
    at: Sequence[int],
    hosts: np.ndarray,
    houses: np.ndarray,
) -> list[bytes | None]:
    """Return an address in each of these clusters, and none for -1.

    IPv6 ones have a random end, as privacy has it (RFC 8981).
    """
    random_ends = sum(n >= 0 and len(clusters[n]) > 3 for n in at)
    ends = chance.bytes(8 * random_ends) if random_ends else b""
    found: list[bytes | None] = []
    end = 0
    for n, host, house in zip(at, hosts.tolist(), houses.tolist(), strict=True):
        if n < 0:
            found.append(None)
        elif len(clusters[n]) == 3:
            found.append(clusters[n] + bytes((host,)))
        else:
            found.append(clusters[n] + house.to_bytes(2) + ends[end : end + 8])
            end += 8
    return found


def strangers(chance: Chance, n: int, ipv6: float) -> Networks:
    """Return clusters that no population has but by accident."""
    return Networks(chance, Population(n, 0.3, ipv6, 0, 0.0))


def mixed(chance: Chance, known: Sequence[bytes], new: Sequence[bytes], n: int) -> list[bytes]:
    """Return `n` addresses, each within a cluster drawn from `known` or `new` in turn of length."""
    clusters = [*known, *new]
    at = chance.integers(0, len(clusters), n)
    hosts = chance.integers(2, 255, n)
    houses = chance.integers(0, 1 << 16, n)
    return [one for one in addresses(chance, clusters, at.tolist(), hosts, houses) if one]


def _prefix4(chance: Chance) -> bytes:
    return bytes((int(chance.integers(11, 223)), *chance.bytes(2)))


def _prefix6(chance: Chance) -> bytes:
    return b"\x20\x01" + chance.bytes(4)
