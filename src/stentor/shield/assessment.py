"""What the traffic of a second looks like: is an attack in it, and what it is made of. Pure.

For the operator's page and the ledger. Nothing that defends waits for it or reads it: whoever is
wrong about a crowd here has harmed nobody.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable

import msgspec

from stentor.shield.facts import Heavy
from stentor.shield.floors import FLOORS
from stentor.shield.merge import Merged
from stentor.shield.policy import Why

# What is large is seen in a second, what is small in some; each span has floors of its own.
SPANS_S = (1, 2)
TOGETHER = "together"  # the floor of all signs as one, in units of their own floors
_NORM = 4  # signs that stand out together count for more than each, and far from their sum
_TAU_S = 20.0
_PEOPLE_MAX = 65_536
_HEAVY_ASKS = 4
_CALM_S = 0.5
_FALSE = ("answers_4xx", "tls_failed", "proxy_refused")
_FIRST_S = 2
_ALARM_S = 10  # how long it is said after it was last seen
# Of whom bad radio cut off, or who only looked in, that is told about so long after they came.
_TOLD_LATER_S = 12
# People of one moment are alike by so much (as in `evidence.scan`, four times its figure): a large
# crowd is no surer.
_ALIKE = 0.02


class Assessment(msgspec.Struct, frozen=True):
    """One second as it looks. `excess` is 1 at what few harmless evenings of the bench exceed."""

    at_ms: int
    attack: bool = False  # said now, or within the last seconds
    excess: float = 0.0
    by: str = ""  # the sign that stands out most
    kinds: dict[str, float] = {}  # connections a second by what they are


class Assessing:
    """Remembers what is usual, and which networks have people in them."""

    def __init__(self, floors: dict[str, float] | None = None) -> None:
        """`floors` are the bench's: what hardly any harmless evening reaches."""
        self._floors = FLOORS if floors is None else floors
        self._last: deque[dict[str, float]] = deque(maxlen=max(SPANS_S))
        self._before: deque[tuple[float, float]] = deque(maxlen=_TOLD_LATER_S)
        self._usual: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._seconds = 0
        self._people: OrderedDict[str, None] = OrderedDict()
        self._said = 0
        self._unserved = 0
        self._reloads = 0.0

    def look(self, second: Merged) -> Assessment:
        """Return how a second looks; to be called once a second."""
        figures = self._figures(second)
        self._last.append(figures)
        self._before.append((figures["came"], figures["joined"]))
        self._seen = self._read()
        excess, by = self._weigh(self._seen)
        attack = excess > 1.0
        self._said = _ALARM_S if attack else max(0, self._said - 1)
        if not attack:
            self._learn(figures)
        self._seconds += 1
        return Assessment(
            at_ms=second.at_ms,
            attack=self._said > 0,
            excess=round(excess, 3),
            by=by.partition(" ")[0] if excess > 0 else "",
            kinds=_kinds(second, figures),
        )

    def _weigh(self, signs: dict[str, float]) -> tuple[float, str]:
        """Return by how much signs go beyond the ordinary together, and which of them most."""
        parts = {name: value / self._floors.get(name, 1.0) for name, value in signs.items()}
        whole = together(parts.values()) / self._floors.get(TOGETHER, 1.0)
        return whole, max(parts, key=lambda name: parts[name], default="")

    def signs(self) -> dict[str, float]:
        """Return the signs of the last second by name and span, as they were weighed."""
        return self._seen

    def _read(self) -> dict[str, float]:
        last, found = tuple(self._last), {}
        for span in SPANS_S:
            newest = last[-span:]
            if newest:
                sums = {name: sum(one[name] for one in newest) for name in newest[0]}
                for name, value in self._signs(sums, span).items():
                    found[f"{name} {span}"] = value if len(newest) == span else 0.0
        return found

    def _figures(self, second: Merged) -> dict[str, float]:
        counts = second.counts
        came = float(counts.get("accepted", 0))
        heavy = 0.0
        for one in second.heavy:
            if not one.network.startswith(("4/32", "6/64")):
                continue
            if one.visited or one.tickets:
                self._people[one.network] = None
            elif one.asks >= _HEAVY_ASKS and one.network not in self._people:
                heavy += one.asks
        while len(self._people) > _PEOPLE_MAX:
            del self._people[next(iter(self._people))]
        requests = float(counts.get("requests", 0))
        reloads = float(counts.get("reloads", 0))
        looks = float(counts.get("looked", 0) + counts.get("pages_put_off", 0))
        # Who waits for a handshake had no time to ask; and fewer do so where an edge is gone.
        more, self._unserved = second.load.unserved - self._unserved, second.load.unserved
        # Who begins to read playlists asks for nothing else; who is refused is not heard.
        readers, self._reloads = reloads - self._reloads, reloads
        refused = counts.get("refused_by_network", 0) + counts.get("refused_connections", 0)
        unspoken = came - max(0, more) - max(0.0, readers) - refused - (requests - reloads)
        calm = second.queue_s.p95 < _CALM_S and not second.door.line
        return {
            "came": came,
            "listeners": float(second.listeners),
            "false": float(sum(counts.get(name, 0) for name in _FALSE)),
            "mute": float(_wrongs(second.heavy, (Why.SILENT, Why.SLOW))),
            "heavy": heavy,
            "strangers": max(0.0, second.clusters - second.known_clusters),
            "clusters": second.clusters,
            "soon": float(counts.get("left_soon", 0)),
            "joined": float(counts.get("joined", 0)),
            "reloads": reloads,
            "unspoken": max(0.0, unspoken) if calm else 0.0,
            "looks": looks,
            "again": max(0.0, looks - second.visitors),
        }

    def _signs(self, sums: dict[str, float], span: int) -> dict[str, float]:
        usual = {name: span * value for name, value in self._usual.items()}

        def beyond(name: str, times: float = 2.0) -> float:
            return max(0.0, sums[name] - times * usual.get(name, 0.0))

        def unusual(name: str, times: float = 2.0) -> float:
            return beyond(name, times) if name in usual else 0.0

        clusters = usual.get("clusters", 0.0)
        share = (usual.get("strangers", 0.0) + 2.0) / (clusters + 4.0)
        n = sums["clusters"]
        spread = share * (1 - share) * n * (1 + n / (10 * clusters + 5)) * (1 + _ALIKE * n)
        strange = max(0.0, sums["strangers"] - share * sums["clusters"])
        # Where more look, more look again: by as much. So it is with listeners and playlists.
        looks = sums["looks"] / (usual.get("looks", 0.0) + 1.0)
        again = unusual("again", max(2.0, 1.5 * looks))
        listeners = sums["listeners"] / (usual.get("listeners", 0.0) + 1.0)
        reloads = unusual("reloads", max(2.0, 1.5 * listeners))
        begun = self._seconds >= _FIRST_S + span
        settled = self._seconds >= _FIRST_S + span + 3
        knows_who_joined = len(self._before) == _TOLD_LATER_S
        came = max(sums["came"], span * max((came for came, _ in self._before), default=0.0))
        joined = max(sums["joined"], sum(joined for _, joined in self._before) / 2)
        return {
            "false": beyond("false") / (0.1 * sums["came"] + 4.0) if begun else 0.0,
            "mute": beyond("mute") / (0.2 * came + 6.0),
            "heavy": sums["heavy"] / (sums["came"] + 15.0),
            "strangers": strange / (spread + 3.0) ** 0.5 if settled else 0.0,
            "soon": unusual("soon", 3.0) / (0.5 * joined + 15.0) if knows_who_joined else 0.0,
            "reloads": reloads / (0.1 * (sums["listeners"] + sums["came"]) + 15.0),
            "unspoken": unusual("unspoken", 1.5) / (sums["came"] + 20.0),
            "again": again / (0.2 * max(sums["came"], sums["looks"]) + 6.0),
        }

    def _learn(self, figures: dict[str, float]) -> None:
        if self._seconds < _FIRST_S:  # all who are there already are new to a record that begins
            return
        share = max(1 / _TAU_S, 1 / (1 + self._seconds - _FIRST_S))
        for name, value in figures.items():
            old = self._usual.get(name, value)
            self._usual[name] = old + (value - old) * share


def together(parts: Iterable[float]) -> float:
    """Return what signs come to as one, each in units of its floor."""
    whole: float = sum(one**_NORM for one in parts) ** (1 / _NORM)
    return whole


def _wrongs(heavy: tuple[Heavy, ...], kinds: tuple[Why, ...]) -> int:
    return sum(
        one.wrongs for one in heavy if one.why in kinds and one.network.startswith(("4/32", "6/64"))
    )


def _kinds(second: Merged, figures: dict[str, float]) -> dict[str, float]:
    """Return what came by what it looks like; what is left over looks like people."""
    came = figures["came"]
    false = min(came, figures["false"])
    mute = min(came - false, figures["mute"])
    heavy = min(came - false - mute, figures["heavy"])
    reloads = figures["reloads"]
    rest = came - false - mute - heavy
    return {
        "false": false,
        "mute": mute,
        "heavy": heavy,
        "people": rest,
        "reloads": reloads,
        "held": float(second.vouched),
    }
