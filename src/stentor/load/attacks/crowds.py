"""Crowds by name: people, none of them hostile, who come in ways that look like trouble.

Each is a load of real listeners (`load.plan`) on one's own server; some come with a fault of the
operator's own. Decides how each looks; what they do is the load's.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from stentor.base.errors import UsageError
from stentor.load.arrivals import Arrivals
from stentor.load.attacks.aim import Aim, refuse_all_but_own
from stentor.load.attacks.bounds import SECONDS_MAX
from stentor.load.attacks.faults import Fault
from stentor.load.behaviour import Behaviour
from stentor.load.plan import Plan
from stentor.load.target import Target

PEOPLE_MAX = 5_000
_CARRIER = "127.255.0.1"
_V6_SOURCES = "2001:db8"  # within arena's prefix


class Crowd(StrEnum):
    """Names as the command line takes them."""

    HOUR = "hour"
    CARRIER_NAT = "carrier-nat"
    IPV6_PRIVACY = "ipv6-privacy"
    BAD_RADIO = "bad-radio"
    MASS_REJOIN = "mass-rejoin"
    SLOW_DISK = "slow-disk"
    HALVED_CAPACITY = "halved-capacity"
    RETRY_BUG = "retry-bug"


@dataclass(frozen=True, slots=True)
class Look:
    """How a crowd looks. `faults` are the operator's own."""

    does: str
    shows: str
    arrivals: Arrivals = Arrivals.CONSTANT
    behaviour: Behaviour = field(default_factory=Behaviour)
    one_address: bool = False
    v6: bool = False
    faults: tuple[Fault, ...] = ()


CROWDS: dict[Crowd, Look] = {
    Crowd.HOUR: Look(
        "All come around the hour, most of them right at it.",
        "Audio or a truthful place in line for everybody.",
        Arrivals.CROWD,
    ),
    Crowd.CARRIER_NAT: Look(
        "All come from one address, as behind a carrier's NAT.",
        "Nobody is turned away for whom they share an address with.",
        one_address=True,
    ),
    Crowd.IPV6_PRIVACY: Look(
        "Each comes from an address of its own that was never seen, a house from one /56.",
        "Houses are counted, not addresses.",
        v6=True,
    ),
    Crowd.BAD_RADIO: Look(
        "A third reads slowly, a third loses its connection again and again.",
        "Who comes back gets back in; the others do not notice.",
        behaviour=Behaviour(slow=0.33, flaky=0.33),
    ),
    Crowd.MASS_REJOIN: Look(
        "All lose their connection at once, and all come back.",
        "They come back by the fast lane, most of them within their buffer.",
        Arrivals.REJOIN,
    ),
    Crowd.SLOW_DISK: Look(
        "People join while another program keeps the data folder's disk busy.",
        "Nobody who listens waits for a disk.",
        faults=(Fault.SLOW_DISK,),
    ),
    Crowd.HALVED_CAPACITY: Look(
        "People join while half of every processor is taken.",
        "Slower lanes or a line, no stalls; and nobody is blamed.",
        faults=(Fault.HALVED_CAPACITY,),
    ),
    Crowd.RETRY_BUG: Look(
        "A third comes again ten times a second, whatever it was told.",
        "Those who wait as told get in, and the line is true for them.",
        behaviour=Behaviour(heedless=0.33),
    ),
}


def about_crowd(name: str) -> tuple[Crowd, Look]:
    """Return a crowd by its name; raises `UsageError`."""
    try:
        crowd = Crowd(name)
    except ValueError:
        raise UsageError(f"There is no crowd {name!r}; `--list` names them.") from None
    return crowd, CROWDS[crowd]


def plan_crowd(
    look: Look, aim: Aim, count: int, seconds: float, seed: int, hour_ms: int | None = None
) -> Plan:
    """Return the load; raises `UsageError` for more people or time than there may be."""
    if not 1 <= count <= PEOPLE_MAX:
        raise UsageError(f"Between 1 and {PEOPLE_MAX:,} people, not {count}.")
    if not 0.5 <= seconds <= SECONDS_MAX:
        raise UsageError(f"Between 0.5 and {SECONDS_MAX:g} seconds, not {seconds:g}.")
    refuse_all_but_own(aim.address)
    target = Target(aim.address, aim.port, aim.room, aim.rendition, listeners_per_source=2)
    if look.one_address:
        target = replace(target, one_source=_CARRIER)
    if look.v6:
        target = replace(target, v6_sources=_V6_SOURCES, listeners_per_source=3)
    return Plan(
        target,
        count,
        seconds,
        seconds / 2,
        pattern=look.arrivals,
        hour_ms=hour_ms if look.arrivals is Arrivals.CROWD else None,
        behaviour=look.behaviour,
        seed=seed,
    )
