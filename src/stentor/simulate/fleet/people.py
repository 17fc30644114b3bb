"""The people of a scenario, a row each: what they are like, what they hold, what they do now.

Columns of few bytes, as there may be tens of millions of rows. Draws who they are; decides nothing.
Times are milliseconds since the scenario began; `NEVER` stands for none.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from stentor.admission.tickets import Kind
from stentor.simulate.fleet.arrivals import gather
from stentor.simulate.fleet.scenario import Scenario, Staying
from stentor.simulate.world import Chance

NEVER = np.int32(2**31 - 1)
_BATCH = 1 << 20
_STAY_S_MIN, _PATIENCE_S_MIN = 10.0, 5.0

Rows = NDArray[np.int32]
Millis = NDArray[np.int32]


class State(IntEnum):
    """What somebody is doing. Everybody is in exactly one."""

    AWAY = 0  # has not come yet
    COMES = 1  # asks an edge when due: again, or for the first time after a visit
    KNOCKS = 2  # has asked, and nobody has looked
    WAITS = 3  # in line; looks at the notice when due
    LISTENS = 4  # until due
    LEFT = 5  # has heard all that they wanted
    GAVE_UP = 6  # lost patience
    LOST = 7  # was cut off and did not come back
    LATE = 8  # came when all was over


@dataclass(slots=True)
class People:
    """Everybody who comes. Rows are in order of their first coming."""

    due_ms: Millis  # when they do the next thing
    came_ms: Millis  # first, or again after they were cut off
    stay_ms: Millis  # how long they want to hear
    patience_ms: Millis  # how long they wait
    leaves_ms: Millis  # if they have been let in
    told_ms: Millis  # since when they hold a promise of a wait
    promised_ms: Millis  # that wait
    called_ms: Millis  # when they came as it was their turn
    place_ms: Millis  # in line, in virtual time (`lines.BEGINS_MS` is the beginning)
    network: NDArray[np.uint32]  # of `homes.Homes`
    edge: NDArray[np.uint16]
    region: NDArray[np.uint8]
    lane: NDArray[np.uint8]  # the number in `LANE_PARTS`, of who listens, or did last
    lower: NDArray[np.bool_]  # listens to the lower bitrate
    moves_to: NDArray[np.uint8]  # the lane that they were advised to come to
    ticket: NDArray[np.uint8]  # `tickets.Kind`; 0: none
    state: NDArray[np.uint8]
    heard: NDArray[np.bool_]
    tries: NDArray[np.uint8]  # that failed since they last heard something
    cut: NDArray[np.bool_]  # off, and not back yet
    stalled_s: NDArray[np.float32]  # since they came, or came again

    def __len__(self) -> int:
        return len(self.state)


def draw(scenario: Scenario, networks: int, regions: int, seeds: np.random.SeedSequence) -> People:
    """Return everybody, who have not come yet; the same seeds give the same people."""
    when, who, where = map(np.random.default_rng, seeds.spawn(3))
    at_s, reminded = gather(when, scenario)
    n = len(at_s)
    due_ms = np.empty(n, np.int32)
    for begin in range(0, n, _BATCH):
        due_ms[begin : begin + _BATCH] = at_s[begin : begin + _BATCH] * np.float32(1000)
    del at_s
    stay_ms, patience_ms = _manners(who, scenario.staying, n)
    network, region = np.empty(n, np.uint32), np.empty(n, np.uint8)
    for begin in range(0, n, _BATCH):
        size = min(_BATCH, n - begin)
        network[begin : begin + size] = where.integers(0, networks, size, np.uint32)
        region[begin : begin + size] = where.integers(0, regions, size, np.uint8)

    def millis(value: int | np.int32) -> Millis:
        return np.full(n, value, np.int32)

    return People(
        due_ms=due_ms,
        came_ms=millis(NEVER),
        stay_ms=stay_ms,
        patience_ms=patience_ms,
        leaves_ms=millis(NEVER),
        told_ms=millis(NEVER),
        promised_ms=millis(NEVER),
        called_ms=millis(NEVER),
        place_ms=millis(0),
        network=network,
        edge=np.zeros(n, np.uint16),
        region=region,
        lane=np.zeros(n, np.uint8),
        lower=np.zeros(n, np.bool_),
        moves_to=np.zeros(n, np.uint8),
        ticket=reminded.astype(np.uint8) * np.uint8(Kind.REMINDER),
        state=np.zeros(n, np.uint8),
        heard=np.zeros(n, np.bool_),
        tries=np.zeros(n, np.uint8),
        cut=np.zeros(n, np.bool_),
        stalled_s=np.zeros(n, np.float32),
    )


def _manners(chance: Chance, staying: Staying, n: int) -> tuple[Millis, Millis]:
    """Return how long people stay (log-normal) and wait (exponential), both by their medians."""
    stay_ms, patience_ms = np.empty(n, np.int32), np.empty(n, np.int32)
    mu, mean_s = np.log(staying.median_s), staying.patience_s / np.log(2)
    for begin in range(0, n, _BATCH):
        size = min(_BATCH, n - begin)
        stays_s = np.maximum(_STAY_S_MIN, chance.lognormal(mu, staying.sigma, size))
        waits_s = np.maximum(_PATIENCE_S_MIN, chance.exponential(mean_s, size))
        stay_ms[begin : begin + size] = np.minimum(stays_s * 1000, NEVER // 4)
        patience_ms[begin : begin + size] = np.minimum(waits_s * 1000, NEVER // 4)
    return stay_ms, patience_ms
