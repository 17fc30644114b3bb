"""When people come: curves of how many have come until then, and moments drawn from them.

Each model is a curve between two seconds; all chance is in where on it each person falls, so the
shape of a crowd is the same for a thousand and for eight million. Decides nothing of what they do.

Figures marked [recalled] were not looked up again in their source.
"""

from collections.abc import Callable
from math import floor

import numpy as np
from numpy.typing import NDArray

from stentor.simulate.fleet.scenario import Arrivals, Event, Scenario

Chance = np.random.Generator
Moments = NDArray[np.float32]
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]  # seconds, people until then (any unit)
Model = Callable[[Chance, int, Arrivals, Event], Moments]

_STEPS = 4_096  # of a curve
_BEFORE = 0.4  # of a crowd, before the hour
_THETA = 0.4  # of the relaxation after news
_BATCH = 1 << 20  # moments drawn at once


def bounds(arrivals: Arrivals, event: Event) -> tuple[float, float]:
    """Return the first and the last second at which anybody of these can come."""
    until_s = event.lasts_s if arrivals.until_s is None else arrivals.until_s
    return arrivals.from_s, min(until_s, event.lasts_s)


def _seconds(arrivals: Arrivals, event: Event) -> NDArray[np.float64]:
    return np.linspace(*bounds(arrivals, event), _STEPS + 1)


def steady(arrivals: Arrivals, event: Event) -> Curve:
    """As on any evening: the same number a second, from beginning to end."""
    at_s = np.array(bounds(arrivals, event))
    return at_s, np.array([0.0, 1.0])


def ramp(arrivals: Arrivals, event: Event) -> Curve:
    """A published ramp: within `spread_s` up to a rate that then holds to the end.

    An audience that grows by 1.1 million a minute is one million arrivals with 55 s between
    `from_s` and `until_s`. The figure is Hotstar's, of the semi-final India against New Zealand on
    9 July 2019, as later accounts have it; its architect's own slides of 2018 say half a million a
    minute (G. Kamboj, Scaling Hotstar.com for 10Mn concurrency, AWS Community Day Bengaluru 2018).
    """
    at_s = _seconds(arrivals, event)
    past_s = at_s - at_s[0]
    rise_s = max(1e-9, min(arrivals.spread_s, past_s[-1]))
    return at_s, np.where(past_s < rise_s, past_s**2 / (2 * rise_s), past_s - rise_s / 2)


def crowd(arrivals: Arrivals, event: Event) -> Curve:
    """A flash crowd that knows the hour: ever more until it strikes, ever fewer after it.

    An exponential rise and a slower exponential decay around the moment, the parts that are told
    apart by Ari et al., Modeling, generating, and analyzing flash events (MASCOTS 2003), and by
    Bhatia et al., Modelling Web-server Flash Events (NCA 2012) [both recalled but for their
    abstracts]. That two in five are there before the hour, and that it falls half as fast as it
    rose, are assumptions of ours. `spread_s` is the rise's time constant.
    """
    at_s = _seconds(arrivals, event)
    past_s = at_s - event.hour_s
    tau_s = max(1e-9, arrivals.spread_s)
    before = _BEFORE * np.exp(np.minimum(0.0, past_s) / tau_s)
    after = (1 - _BEFORE) * -np.expm1(-np.maximum(0.0, past_s) / (2 * tau_s))
    return at_s, before + after


def news(arrivals: Arrivals, event: Event) -> Curve:
    """Breaking news: nobody until `from_s`, then at once very many, and a long tail.

    Within a third of `spread_s` (τ) the rate is at its peak, then falls by a power law, 1 + t/τ to
    the power of -(1 + θ): the relaxation after an exogenous shock, with θ = 0.4 [recalled], of
    Crane and Sornette, Robust dynamic classes revealed by measuring the response function of a
    social system (PNAS 2008). Jung et al., Flash crowds and denial of service attacks (WWW
    2002), have such crowds reach their peak within minutes [recalled]; Wendell and Freedman, Going
    viral (IMC 2011), found thousands of them in a CDN.
    """
    at_s = _seconds(arrivals, event)
    past_s = at_s - at_s[0]
    tau_s = max(1e-9, arrivals.spread_s)
    rise_s = tau_s / 3
    rising = np.minimum(past_s, rise_s) ** 2 / (2 * rise_s)
    falling = tau_s / _THETA * (1 - (1 + np.maximum(0.0, past_s - rise_s) / tau_s) ** -_THETA)
    return at_s, rising + falling


def course(arrivals: Arrivals, event: Event) -> Curve:
    """A course that was published: `points` of how many had come until then, joined by lines."""
    at_s, people = np.array(arrivals.points, dtype=np.float64).T
    ends = np.array(bounds(arrivals, event))
    inside = (at_s > ends[0]) & (at_s < ends[1])
    people_at_ends = np.interp(ends, at_s, people)
    return (
        np.concatenate((ends[:1], at_s[inside], ends[1:])),
        np.concatenate((people_at_ends[:1], people[inside], people_at_ends[1:])),
    )


CURVES: dict[str, Callable[[Arrivals, Event], Curve]] = {
    "crowd": crowd,
    "ramp": ramp,
    "steady": steady,
    "news": news,
    "course": course,
}


def draw(chance: Chance, n: int, curve: Curve) -> Moments:
    """Return the moments of `n` people, sorted; 4 bytes each, exact to a few milliseconds a day."""
    at_s, people = curve
    at = np.empty(n, dtype=np.float32)
    shares = (people - people[0]) / (people[-1] - people[0])
    for begin in range(0, n, _BATCH):
        batch = at[begin : begin + _BATCH]
        batch[:] = np.interp(chance.random(len(batch)), shares, at_s)
    at.sort()
    return at


def _model(curve: Callable[[Arrivals, Event], Curve]) -> Model:
    def moments(chance: Chance, n: int, arrivals: Arrivals, event: Event) -> Moments:
        return draw(chance, n, curve(arrivals, event))

    return moments


MODELS: dict[str, Model] = {name: _model(curve) for name, curve in CURVES.items()}


def split(n: int, shares: tuple[float, ...]) -> list[int]:
    """Return how many of `n` belong to each share; they add up to `n` (largest remainders)."""
    total = sum(shares)
    exact = [n * share / total for share in shares]
    counts = [floor(one) for one in exact]
    rest = sorted(range(len(exact)), key=lambda at: (counts[at] - exact[at], at))
    for at in rest[: n - sum(counts)]:
        counts[at] += 1
    return counts


def gather(chance: Chance, scenario: Scenario) -> tuple[Moments, NDArray[np.bool_]]:
    """Return when each of a scenario's people comes first, sorted, and who holds a reminder."""
    event, groups = scenario.event, scenario.arrivals
    counts = split(event.listeners, tuple(one.share for one in groups))
    at_s = np.concatenate(
        [MODELS[one.model](chance, n, one, event) for one, n in zip(groups, counts, strict=True)]
    )
    reminded = np.empty(event.listeners, dtype=np.bool_)
    begin = 0
    for one, n in zip(groups, counts, strict=True):
        for first in range(begin, begin + n, _BATCH):
            last = min(begin + n, first + _BATCH)
            reminded[first:last] = chance.random(last - first) < one.reminded
        begin += n
    if len(groups) > 1:
        order = np.argsort(at_s, kind="stable")
        at_s, reminded = at_s[order], reminded[order]
    return at_s, reminded
