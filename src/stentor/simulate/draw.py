"""Draws evenings by class: parameters vary as widely as evenings do, classes only in what happens.

Networks, sizes, visits, reminders, bad clients, noise and machines come from the same ranges in
every class, so that nothing but conduct and load can tell them apart. Decides no truth: that is
found by running the evening again without the attack or the fault.
"""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from stentor.simulate.attackers import FAMILIES, Attack, Family, uses_few
from stentor.simulate.crowds import SHAPES, arrivals, lasting, peak_per_s
from stentor.simulate.evening import Evening
from stentor.simulate.events import Event, Fault, Machine, Noise, People
from stentor.simulate.scene import Outcome
from stentor.simulate.truth import fared, fared_surely
from stentor.simulate.world import Chance, Population

RATIOS = (0.1, 1.0, 10.0)  # of an attack to what people ask for
# People of an evening, drawn evenly in its logarithm. A machine that so few overload lets in some
# a second, where a real core does thousands: the smaller, the later is anything of an attack seen.
SIZES = (8_000, 28_000)
# Of the fewest people of an evening, how many all edges let in a second at least, however large a
# crowd would have to be: 240, a seventh of one core that speaks TLS.
_SLOWEST = 0.03
SMALL = (400, 1_800)
_GROWS_FROM = SMALL[1]  # people: networks and attackers' addresses are as many more as they are
_DEEDS_MAX = 14_000
_DRAWS = 8
_LOOKS_EVERY_S = 4  # whether a draw may still fit
_OVERLOADED, _FITS = 0.15, 0.03
CROWDS = (*SHAPES, "carrier", "ipv6", "rejoin")


@dataclass(frozen=True, slots=True)
class Length:
    """How long evenings last, and what in them; ranges are drawn from evenly, times are seconds."""

    end_s: float
    hour_s: tuple[float, float]
    sharp_s: tuple[float, float]
    stays_s: tuple[float, float]
    attack_s: tuple[float, float]
    goes_on: bool = False  # people come to the end


# What is rare is looked for in minutes: all that a crowd, an attack and a fault do is in them.
MINUTES = Length(100.0, (30, 40), (5, 15), (100, 2000), (15, 45))
# What real evenings are: most of them is after the rush, and chance has more windows to stand out.
AN_HOUR = Length(3600.0, (240, 900), (5, 60), (300, 7200), (15, 300), goes_on=True)
HOUR_SIZES = (15_000, 50_000)  # people of those


class Kind(Enum):
    """The classes of the evaluation, and the bound of what can be known."""

    QUIET = "quiet"
    CROWD = "crowd"
    ATTACK = "attack"
    BOTH = "both"
    OWN = "self-inflicted"
    MIMIC = "perfect mimic"


def draw(
    kind: Kind,
    n: int,
    seed: int,
    *,
    family: Family | None = None,
    sizes: tuple[int, int] = SIZES,
    length: Length = MINUTES,
) -> Event:
    """Return the `n`th evening of a class; crowds, families, ratios and faults go around."""
    mixed_seed = [seed, n, tuple(Kind).index(kind)]
    chance = np.random.default_rng(mixed_seed)
    people = _people(chance, CROWDS[n % len(CROWDS)], sizes, length)
    event = Event(
        seed=int(chance.integers(1 << 62)),
        kind=kind.value,
        people=people,
        noise=Noise(
            _log(chance, 0.02, 0.5), _log(chance, 0.02, 0.5), float(chance.uniform(0, 0.4))
        ),
        hour_s=float(chance.uniform(*length.hour_s)),
        end_s=length.end_s,
    )
    fault = tuple(Fault)[n % len(Fault)] if kind is Kind.OWN else None
    if fault is Fault.RETRIES:
        people = replace(people, reminded=float(chance.uniform(0.4, 0.9)), shape="even")
        people = replace(people, rejoin=False, inside=people.inside // 4)
    elif length.goes_on:
        people = replace(people, shape=lasting(people.shape))
    event = replace(event, people=people, fault=fault, fault_s=event.hour_s)
    slowest_per_s = _SLOWEST * sizes[0]
    event = replace(event, machine=_machine(chance, event, kind, fault, slowest_per_s))
    if kind in (Kind.ATTACK, Kind.BOTH):
        family = family or FAMILIES[n % len(FAMILIES)]
        ratio = RATIOS[(n // len(FAMILIES)) % len(RATIOS)]
        event = replace(event, attack=_attack(chance, event, family, ratio, length))
    elif kind is Kind.MIMIC:
        event = replace(event, attack=_mimic(chance, event))
    return event


def draw_carrier(n: int, seed: int, sizes: tuple[int, int] = SIZES) -> Event:
    """Return a crowd of which many share one address, with one bot among a hundred of those."""
    event = draw(Kind.QUIET if n % 2 else Kind.CROWD, n, seed + 104_729, sizes=sizes)
    chance = np.random.default_rng([seed, n, 77])
    spread = replace(
        event.people.population, carriers=1, behind_carrier=float(chance.uniform(0.1, 0.4))
    )
    people = replace(event.people, population=spread, rejoin=False, shape="hour")
    bots = max(1.0, 0.01 * people.n * spread.behind_carrier)
    family = FAMILIES[n % len(FAMILIES)]
    lasts_s = float(chance.uniform(20, 45))
    attack = Attack(
        family,
        start_s=event.hour_s - 3,
        lasts_s=lasts_s,
        per_s=bots * float(chance.uniform(1, 5)),
        behind=True,
    )
    return replace(event, kind="carrier", people=people, attack=attack)


def settled(
    kind: Kind, n: int, seed: int, sizes: tuple[int, int] = SIZES, length: Length = MINUTES
) -> tuple[Event, Outcome]:
    """Return the first of up to eight draws in which people alone fare as the class has it.

    And how that evening went without attack and fault; where there is one, only until it is known
    whether people alone fared well. Crowds must overload the machine and others must not, so that a
    class is what its name says; how an attack or a fault then turns out is not looked at.
    """
    overloads = kind in (Kind.CROWD, Kind.BOTH)
    for again in range(_DRAWS):
        event = draw(kind, n, seed + 7919 * again, sizes=sizes, length=length)
        is_last = again == _DRAWS - 1
        is_known = None if overloads or is_last else _fits_no_more
        if kind is Kind.BOTH:
            is_known = _is_overloaded
        alone = Evening(event.without_attack.without_fault).run(is_known)
        share = fared(alone, event.end_s).share
        if share > _OVERLOADED if overloads else share < _FITS:
            break
    return event, alone


def _is_overloaded(outcome: Outcome, now_s: float) -> bool:
    return now_s % _LOOKS_EVERY_S == 0 and fared_surely(outcome, now_s).share > _OVERLOADED


def _fits_no_more(outcome: Outcome, now_s: float) -> bool:
    return now_s % _LOOKS_EVERY_S == 0 and fared_surely(outcome, now_s).share >= _FITS


def _log(chance: Chance, low: float, high: float) -> float:
    return float(np.exp(chance.uniform(np.log(low), np.log(high))))


def _grown(people: int) -> float:
    """Return by how much more networks there are than in front of a small audience."""
    return max(1.0, people / _GROWS_FROM)


def _people(chance: Chance, crowd: str, sizes: tuple[int, int], length: Length) -> People:
    n = round(_log(chance, *sizes))
    carriers = int(chance.integers(0, 4))
    population = Population(
        clusters=round(_log(chance, 60, 1500) * _grown(n)),
        skew=float(chance.uniform(0.3, 1.4)),
        ipv6=float(chance.uniform(0.1, 0.6)),
        carriers=carriers,
        behind_carrier=float(chance.uniform(0.0, 0.15)),
    )
    if crowd == "carrier":
        population = replace(population, carriers=1, behind_carrier=float(chance.uniform(0.1, 0.3)))
    elif crowd == "ipv6":
        population = replace(population, ipv6=float(chance.uniform(0.8, 1.0)))
    inside = round(n * _log(chance, 0.1, 1.0))
    rejoin = crowd == "rejoin"
    if rejoin:
        inside, n = n, max(60, n // 6)
    return People(
        n=n,
        shape=crowd if crowd in SHAPES else str(chance.choice(list(SHAPES))),
        sharp_s=float(chance.uniform(*length.sharp_s)),
        inside=inside,
        population=population,
        visits=float(chance.uniform(0.2, 0.95)),
        reminded=float(chance.uniform(0.0, 0.7)),
        patience_s=_log(chance, 60, 900),
        stays_s=_log(chance, *length.stays_s),
        bad_radio=float(chance.uniform(0.0, 0.12)),
        rejoin=rejoin,
        late_s=_log(chance, 0.1, 1.5),
        bounces=float(chance.uniform(0.0, 0.15)),
        lookers=float(chance.uniform(0.0, 0.3)),
        rests=float(chance.uniform(0.1, 0.9)),
    )


def _demand_per_s(chance: Chance, event: Event) -> float:
    """Return what people ask for in their busiest five seconds, in joins a second."""
    who = event.people
    at_s = arrivals(
        chance, who.shape, who.n, hour_s=event.hour_s, end_s=event.end_s, sharp_s=who.sharp_s
    )
    if who.rejoin:
        again = event.hour_s + 0.2 + 4 * chance.random(who.inside)
        at_s = np.concatenate([at_s, again])
    return peak_per_s(at_s) * (1 + 0.4 * who.visits)


def _machine(
    chance: Chance, event: Event, kind: Kind, fault: Fault | None, slowest_per_s: float
) -> Machine:
    """Return a machine that the people of a class overload, or do not by far."""
    demand_per_s = _demand_per_s(chance, event)
    total = event.people.n + event.people.inside
    load, house = float(chance.uniform(0.15, 0.65)), float(chance.uniform(1.7, 5.0))
    if kind in (Kind.CROWD, Kind.BOTH):
        if chance.random() < 0.3 and not event.people.rejoin:
            house = float(chance.uniform(0.35, 0.75))
        else:
            load = _log(chance, 1.8, 16.0)
    elif kind is Kind.MIMIC:
        load = float(chance.uniform(0.6, 0.8))
    elif fault in (Fault.HALVED, Fault.LOST_EDGE):
        load = float(chance.uniform(0.7, 0.85))
    edges = 2 if fault is Fault.LOST_EDGE else int(chance.integers(1, 4))
    joins_per_s = max(slowest_per_s, demand_per_s / load)
    return Machine(
        edges=edges,
        joins_per_s=joins_per_s,
        listeners_max=round(total * house),
        descriptors=round(total * float(chance.uniform(2.5, 6.0))) + 200,
        network_per_s=joins_per_s * _log(chance, 0.02, 0.3),
        network_burst=float(chance.uniform(10, 50)),
        joins_burst=max(300, total // 2),
        network_joins_per_s=joins_per_s * _log(chance, 0.1, 0.5),
        tls=bool(chance.random() < 0.5),
    )


def _attack(chance: Chance, event: Event, family: Family, ratio: float, length: Length) -> Attack:
    people_per_s = _demand_per_s(chance, event)
    per_s = max(3.0, ratio * people_per_s * float(chance.uniform(0.7, 1.4)))
    lasts_s = float(chance.uniform(*length.attack_s))
    size = _grown(event.people.n)
    lasts_s = max(8.0, min(lasts_s, size * _DEEDS_MAX / per_s))
    at_start = bool(chance.random() < 0.5)
    start_s = event.hour_s + float(chance.uniform(-3, 3)) if at_start else 0.0
    if not at_start:
        start_s = float(chance.uniform(12, event.end_s - lasts_s - 5))
    few = uses_few(chance, family)
    addresses = round(size * (_log(chance, 2, 30) if few else _log(chance, 100, 3000)))
    return Attack(
        family=family,
        start_s=start_s,
        lasts_s=lasts_s,
        per_s=per_s,
        addresses=addresses,
        clusters=max(1, round(addresses * float(chance.uniform(0.1, 0.9)))),
        known=float(chance.uniform(0.0, 0.3)),
        ipv6=float(chance.uniform(0.0, 0.4)),
        regular=bool(chance.random() < 0.5),
        pulse_s=float(chance.uniform(2, 6)) if chance.random() < 0.25 else 0.0,
        rise_s=float(chance.uniform(2, 10)) if chance.random() < 0.25 else 0.0,
    )


def prepared(event: Event) -> Event:
    """Return an evening of mimics who have a past as well: reminders, as often as people."""
    assert event.attack is not None
    return replace(event, attack=replace(event.attack, known=1.0))


def _mimic(chance: Chance, event: Event) -> Attack:
    """As many bots as people, or up to twice as many; `known` is their share of reminders."""
    people_per_s = float(event.people.n)
    lasts_s = 30.0
    return Attack(
        family=Family.PERFECT,
        start_s=event.hour_s,
        lasts_s=lasts_s,
        per_s=people_per_s * float(chance.uniform(1.0, 2.0)) / lasts_s,
        known=0.0,
    )
