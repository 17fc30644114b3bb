"""What was so in a simulated evening: found by running it again without the attack or the fault.

No record holds this; the verdict is held against it. Decides by how people fared, each of them.
"""

from dataclasses import dataclass
from enum import Enum

from stentor.simulate.events import Event
from stentor.simulate.scene import Outcome, Person

SOON_S = 3.0
SHARE = 0.05  # p95: of more than that many the promise was not kept
_STALLED_S = 1.0


class Truth(Enum):
    """What a verdict should say; the words are `evidence.verdict.Word`'s."""

    QUIET = "quiet"
    CROWD = "flash crowd"
    WITHSTOOD = "attack withstood"
    ATTACK = "attack-caused"
    BOTH = "overload, attack not necessary"
    OWN = "self-inflicted"


@dataclass(frozen=True, slots=True)
class Fared:
    """How the people of an evening fared."""

    people: int
    harmed: int  # audio late or never, or a stall

    @property
    def share(self) -> float:
        """Return how many of them were."""
        return self.harmed / max(1, self.people)

    @property
    def failed(self) -> bool:
        """Whether the promise was not kept."""
        return self.share > SHARE


def is_harmed(person: Person, end_s: float) -> bool:
    """Say whether somebody did not hear soon, or not without a break."""
    if person.stalled_s > _STALLED_S:
        return True
    if person.audio_s < 0:
        return end_s - person.first_s > SOON_S
    # A bad radio link that breaks once is nobody's fault here.
    return person.audio_s - person.first_s > SOON_S + (20 if person.bad_radio else 0)


def fared(outcome: Outcome, end_s: float) -> Fared:
    """Return how people fared."""
    people = [one for one in outcome.people if one.human and one.first_s >= 0]
    return Fared(len(people), sum(is_harmed(one, end_s) for one in people))


def fared_surely(outcome: Outcome, now_s: float) -> Fared:
    """Return all the people who may come, and how many of them are harmed however it goes on."""
    people = [one for one in outcome.people if one.human]
    waited = [one for one in people if one.first_s >= 0 and now_s - one.first_s > SOON_S]
    harmed = [
        one for one in waited if is_harmed(one, now_s) and (one.audio_s >= 0 or not one.bad_radio)
    ]
    return Fared(len(people), len(harmed))


def truth(event: Event, outcome: Outcome, alone: Outcome) -> tuple[Truth, Fared]:
    """Return what was so; `alone` is the same evening without its attack and its fault."""
    found = fared(outcome, event.end_s)
    if not found.failed:
        return (Truth.QUIET if event.attack is None else Truth.WITHSTOOD), found
    if event.attack is None and event.fault is None:
        return Truth.CROWD, found
    failed = fared(alone, event.end_s).failed
    if event.attack is not None:
        return (Truth.BOTH if failed else Truth.ATTACK), found
    return (Truth.CROWD if failed else Truth.OWN), found
