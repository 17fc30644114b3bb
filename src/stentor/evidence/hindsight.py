"""What is known of who came when the evening is over: who ever listened, who only ever looked.

While it goes on nobody can say of somebody who just asked whether they will stay. Afterwards the
sketches of all seconds can: addresses are held against what was seen of them at any time. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stentor.evidence.records import Second
from stentor.shield import sketches

_LG_K = 15
_UNKNOWN_S = 25  # at the end: who came then has not stayed yet, nor joined after a look
_FIRST_S = 2  # a record begins with all who are there already
_TURN_MS = 5_000  # a turn that just came has hardly been taken


@dataclass(slots=True)
class Hindsight:
    """Addresses by the second; 0 where it is too early to say.

    Of many the sketches hold a sample: figures of one line are of one sample.
    """

    asked: list[float] = field(default_factory=list)  # but who had listened before
    unproved: list[float] = field(default_factory=list)  # never listened, nor held a good ticket
    unlooked: list[float] = field(default_factory=list)  # asked, and never looked at the page
    looked: list[float] = field(default_factory=list)
    only_looked: list[float] = field(default_factory=list)  # looked, and never asked
    lookers: list[float] = field(default_factory=list)  # about how many looked: no sample


def read_hindsight(seconds: Sequence[Second]) -> Hindsight:
    """Return what the end of an evening tells of its seconds."""
    proved = _all(
        one for second in seconds for edge in second.edges for one in (edge.holding, edge.staying)
    )
    asked = _all(edge.asking for second in seconds for edge in second.edges)
    looked = _all(edge.visiting for second in seconds for edge in second.edges)
    until_ms = _known_until_ms(seconds)
    found, settled = Hindsight(), b""
    for n, second in enumerate(seconds):
        known = n >= _FIRST_S and second.at_ms <= until_ms
        asking = sketches.without(_all(edge.asking for edge in second.edges), settled)
        visiting = _all(edge.visiting for edge in second.edges)
        proven, unproved = sketches.split(asking, proved) if known else (0, 0)
        found.asked.append(float(proven + unproved))
        found.unproved.append(float(unproved))
        found.unlooked.append(float(sketches.split(asking, looked)[1]) if known else 0.0)
        joining, only = sketches.split(visiting, asked) if known else (0, 0)
        found.looked.append(float(joining + only))
        found.only_looked.append(float(only))
        found.lookers.append(sketches.estimate(visiting) if known else 0.0)
        settled = _all((settled, *(edge.staying for edge in second.edges)))
    return found


def _all(many: Iterable[bytes]) -> bytes:
    return sketches.united(filter(_is_readable, many), _LG_K)


def _is_readable(data: bytes) -> bool:
    try:
        sketches.read(data)
    except ValueError:
        return False
    return True


def _known_until_ms(seconds: Sequence[Second]) -> int:
    """Return until when it can be said what became of who came."""
    if not seconds:
        return 0
    last = seconds[-1]
    until_ms = last.at_ms - _UNKNOWN_S * 1000
    served = [one.door.serving_ms for one in last.edges if one.door.line]
    return min([until_ms, *(one - _TURN_MS for one in served)])
