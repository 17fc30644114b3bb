"""A scenario: who comes when, how long they stay, what breaks, who attacks, before which fleet.

Facts only, as a TOML file states them (`scenarios/`); times are seconds from its beginning, shares
0 to 1. Whether they make sense is decided when they are read (`reading`).
"""

from math import ceil

import msgspec


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The conversation. `listeners` is how many people come in all, once each."""

    listeners: int
    lasts_s: float = 3600.0
    hour_s: float = 300.0  # when it is to begin
    ends_s: float | None = None  # when the conversation ends and all leave (mass exit); None: never


class Programme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent."""

    bits_per_s: int = 48_000
    lower_bits_per_s: int = 24_000
    tls: bool = True
    lane_ms_min: int = 320  # the edges' settings of that name: between these the ladder chooses
    lane_ms_max: int = 15_360


class Arrivals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share of the people, and when they come. Several of them make a crowd.

    `model` is one of `arrivals.MODELS`; `from_s` and `until_s` bound it, `spread_s` is its time
    constant where it has one. `points` of a `course` are (second, people who have come until then,
    in any unit).
    """

    model: str
    share: float = 1.0
    from_s: float = 0.0
    until_s: float | None = None
    spread_s: float = 60.0
    points: tuple[tuple[float, float], ...] = ()
    reminded: float = 0.0  # of them, hold a ticket from before the hour
    source: str = ""


class Staying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long people listen, how long they wait, and what they do when they are cut off."""

    median_s: float = 1500.0
    sigma: float = 1.2  # of the logarithm
    patience_s: float = 600.0  # median, in line or for an answer
    returns: float = 0.95  # of those who are cut off
    visits: float = 1.0  # fetch the page from an edge as they come; the rest, from elsewhere
    looks_again: float = 0.3  # of those who leave when all is over: fetch the page once more


class Fleet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The machines. `machines` 0: as many as the plan finds are needed, times `share`."""

    machines: int = 0
    share: float = 1.0
    regions: int = 3
    cores: int = 8
    memory_gib: float = 32.0
    network_gbit_per_s: float = 10.0
    descriptors_per_process: int = 20_000
    guard: bool = False  # whether the kernel drops whom a second ban names
    edges: int = 0  # processes a machine; 0: one a core, more if its listeners' descriptors demand
    # The edges' settings of these names (`edge_` left out where it is one of theirs).
    admissions_per_s_max: float = 0.0  # of an edge process; 0: what it can
    join_share: float = 0.5
    door_network_per_s: float = 20.0  # 0: no network is put back


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What breaks. `kind` is one of `scenario.FAULTS`."""

    kind: str
    at_s: float
    for_s: float = 0.0  # 0: to the end
    share: float = 1.0  # of the edges, or of the listeners
    factor: float = 2.0  # of `slow`: what all costs grow to


FAULTS = ("edges-lost", "region-lost", "control-dead", "cut", "exit", "slow")


class Attack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An attack. `family` is one of `simulate.attackers.Family`; `per_s` is of the whole fleet."""

    family: str
    from_s: float
    for_s: float
    per_s: float
    addresses: int = 10_000
    waves: int = 1  # with a pause as long as itself after each
    behind: float = 0.0  # of its bots, behind carriers' addresses, where people are
    source: str = ""


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What parts cost, in one currency."""

    currency: str = "EUR"
    machine_hour: float = 0.50
    gigabyte: float = 0.01


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    name: str
    about: str
    event: Event
    arrivals: tuple[Arrivals, ...]
    sources: tuple[str, ...] = ()
    programme: Programme = Programme()
    staying: Staying = Staying()
    fleet: Fleet = Fleet()
    faults: tuple[Fault, ...] = ()
    attacks: tuple[Attack, ...] = ()
    prices: Prices = Prices()


def scaled(scenario: Scenario, listeners: int) -> Scenario:
    """Return the scenario for so many listeners: attacks and machines grow or shrink with them.

    A machine stays whole, and each region has one. What a share, a second or an address does stays.
    """
    factor = listeners / scenario.event.listeners
    replace = msgspec.structs.replace
    fleet = scenario.fleet
    machines = max(fleet.regions, ceil(fleet.machines * factor)) if fleet.machines else 0
    return replace(
        scenario,
        event=replace(scenario.event, listeners=listeners),
        fleet=replace(fleet, machines=machines),
        attacks=tuple(
            replace(
                one,
                per_s=one.per_s * factor,
                addresses=max(1, round(one.addresses * factor)),
            )
            for one in scenario.attacks
        ),
    )
