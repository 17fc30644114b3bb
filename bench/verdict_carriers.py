"""How people behind a carrier's address fare, of whom one in a hundred is a bot.

Tells two ratios of refusals. All evenings thrown together is what the promise is about, but it goes
up where evenings that refuse many happen to have many behind their carrier, although nobody is
treated otherwise there. So each evening is held against itself as well (Mantel and Haenszel 1959).
"""

from collections.abc import Callable, Sequence

import numpy as np
from verdict_events import Harm, harm_of

from stentor.simulate.draw import draw_carrier
from stentor.simulate.evening import Evening

EVENINGS = 300
_DRAWS = 1000


def carrier_harm(job: tuple[int, int]) -> Harm:
    """Return how people fared in the nth evening of a seed."""
    event = draw_carrier(*job)
    return harm_of(Evening(event).run(), event.end_s)


def together(harms: Sequence[Harm]) -> float:
    """Return by how much more often people behind carriers were refused, of all evenings."""
    shared = sum(h.shared_refused for h in harms) / max(1, sum(h.shared for h in harms))
    return shared * sum(h.people for h in harms) / max(1, sum(h.refused for h in harms))


def within(harms: Sequence[Harm]) -> float:
    """Return it with each evening held against itself: the common risk ratio of all."""
    told = [h for h in harms if h.shared and h.people]
    behind = sum(h.shared_refused * h.people / (h.shared + h.people) for h in told)
    others = sum(h.refused * h.shared / (h.shared + h.people) for h in told)
    return behind / max(1e-9, others)


def interval(harms: Sequence[Harm], ratio: Callable[[Sequence[Harm]], float]) -> tuple[float, ...]:
    """Return between what a ratio would lie on 95 of 100 such sets of evenings (bootstrap).

    Of evenings, not of people: those of one evening are refused together.
    """
    chance = np.random.default_rng(len(harms))
    found = [
        ratio([harms[n] for n in chance.integers(0, len(harms), len(harms))]) for _ in range(_DRAWS)
    ]
    return tuple(float(one) for one in np.percentile(found, [2.5, 97.5]))


def said(harms: Sequence[Harm]) -> tuple[str, str]:
    """Return the ratio, and how it came about."""
    low, high = interval(harms, together)
    own = interval(harms, within)
    return f"{together(harms):.2f}×", (
        f"{sum(h.shared_refused for h in harms)} of {sum(h.shared for h in harms)} and"
        f" {sum(h.refused for h in harms)} of {sum(h.people for h in harms)} on {len(harms)}"
        f" evenings (95 %: {low:.2f} to {high:.2f}); each evening held against itself"
        f" {within(harms):.2f}× ({own[0]:.2f} to {own[1]:.2f})"
    )
