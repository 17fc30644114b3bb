"""Between which bounds each figure of a scenario must be. Decides nothing; `reading` refuses."""

from dataclasses import dataclass

from stentor.simulate.fleet.scenario import (
    Arrivals,
    Attack,
    Event,
    Fault,
    Fleet,
    Prices,
    Programme,
    Staying,
)

LISTENERS_MAX = 100_000_000
LASTS_S_MAX = 86_400.0
MACHINES_MAX, CORES_MAX = 65_535, 512
EDGES_MAX = 65_535  # processes of a fleet; `People.edge` holds no larger number
PER_S_MAX = 100_000_000.0


@dataclass(frozen=True, slots=True)
class Within:
    """What a figure may be, both ends included."""

    least: float
    most: float


LIMITS: dict[type, dict[str, Within]] = {
    Event: {
        "listeners": Within(1, LISTENERS_MAX),
        "lasts_s": Within(10, LASTS_S_MAX),
        "hour_s": Within(0, LASTS_S_MAX),
        "ends_s": Within(1, LASTS_S_MAX),
    },
    Programme: {
        "bits_per_s": Within(6_000, 1_000_000),
        "lower_bits_per_s": Within(6_000, 1_000_000),
        "lane_ms_min": Within(320, 15_360),
        "lane_ms_max": Within(320, 15_360),
    },
    Arrivals: {
        "share": Within(0.0001, 1),
        "from_s": Within(0, LASTS_S_MAX),
        "until_s": Within(0, LASTS_S_MAX),
        "spread_s": Within(0.1, LASTS_S_MAX),
        "reminded": Within(0, 1),
    },
    Staying: {
        "median_s": Within(1, LASTS_S_MAX),
        "sigma": Within(0, 5),
        "patience_s": Within(1, LASTS_S_MAX),
        "returns": Within(0, 1),
        "visits": Within(0, 1),
        "looks_again": Within(0, 1),
    },
    Fleet: {
        "machines": Within(0, MACHINES_MAX),
        "share": Within(0.01, 100),
        "regions": Within(1, 100),
        "cores": Within(1, CORES_MAX),
        "memory_gib": Within(0.5, 8_192),
        "network_gbit_per_s": Within(0.01, 1_600),
        "descriptors_per_process": Within(100, 10_000_000),
        "edges": Within(0, 4_096),
        "admissions_per_s_max": Within(0, 1_000_000),
        "join_share": Within(0.01, 1),
        "door_network_per_s": Within(0, 1_000_000),
    },
    Fault: {
        "at_s": Within(0, LASTS_S_MAX),
        "for_s": Within(0, LASTS_S_MAX),
        "share": Within(0.0001, 1),
        "factor": Within(1, 100),
    },
    Attack: {
        "from_s": Within(0, LASTS_S_MAX),
        "for_s": Within(1, LASTS_S_MAX),
        "per_s": Within(0.001, PER_S_MAX),
        "addresses": Within(1, 100_000_000),
        "waves": Within(1, 10_000),
        "behind": Within(0, 1),
    },
    Prices: {"machine_hour": Within(0, 1e6), "gigabyte": Within(0, 1e6)},
}
MANY_MAX = 1_000  # of groups, faults, attacks, points and sources
