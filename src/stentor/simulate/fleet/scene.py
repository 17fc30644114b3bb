"""All that is true at one moment of a simulated fleet: people, edges, lines, and what they owe.

What happens to people through no doing of theirs is done here: they are cut off, they leave, an
edge dies. When and why is for others to say (`run`, `harm`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stentor.admission.tickets import Kind
from stentor.simulate.fleet.counting import Counting
from stentor.simulate.fleet.diary import Diary
from stentor.simulate.fleet.door import Doors
from stentor.simulate.fleet.edges import Edges
from stentor.simulate.fleet.knocks import Knocks
from stentor.simulate.fleet.lines import Line
from stentor.simulate.fleet.people import NEVER, Millis, People, Rows, State
from stentor.simulate.fleet.retrying import HEAD_S, after_s, noticed_s
from stentor.simulate.fleet.scenario import Scenario
from stentor.simulate.world import Chance

_BATCH = 1 << 22


@dataclass(slots=True)
class Scene:
    """Shared by all who act. `now_ms` is the end of the tick that was simulated last."""

    scenario: Scenario
    people: People
    edges: Edges
    lines: list[Line]
    doors: Doors
    diary: Diary
    knocks: Knocks
    counting: Counting
    chance: Chance  # for what people do as it goes on
    harm: Chance  # for what is done to them
    now_ms: int = 0
    second: int = 0

    @property
    def ends_ms(self) -> int:
        """Return when the conversation ends; never: beyond all time."""
        ends_s = self.scenario.event.ends_s
        return int(NEVER) if ends_s is None else int(ends_s * 1000)

    def again(
        self, rows: Rows, within_s: tuple[float, float], since_ms: Millis | int | None = None
    ) -> None:
        """Let people ask again within such a time from then, or from now."""
        if not len(rows):
            return
        low_s, high_s = within_s
        wait_ms = 1000 * (low_s + (high_s - low_s) * self.chance.random(len(rows)))
        from_ms = self.now_ms if since_ms is None else since_ms
        self.people.state[rows] = State.COMES
        self.diary.put(rows, (from_ms + wait_ms).astype(np.int32))

    def listening(self, edges: NDArray[np.bool_] | None = None) -> Rows:
        """Return who listens, to any or to these edges (a mark for each)."""
        people, found = self.people, []
        for begin in range(0, len(people), _BATCH):
            part = slice(begin, begin + _BATCH)
            marks = people.state[part] == State.LISTENS
            if edges is not None:
                marks &= edges[people.edge[part]]
            found.append(np.flatnonzero(marks).astype(np.int32) + np.int32(begin))
        return np.concatenate(found)

    def cut(self, rows: Rows, *, silent: bool = False) -> None:
        """Break the connections of listeners. Most come back with a return ticket, soon.

        `silent`: nothing tells them, so they have to notice.
        """
        people = self.people
        self._go(rows)
        self.counting.count("cut", len(rows), self.second)
        back = self.harm.random(len(rows)) < self.scenario.staying.returns
        lost = rows[~back]
        people.state[lost] = State.LOST
        self.diary.put(lost, np.full(len(lost), NEVER, np.int32))
        self.settle(lost)
        self._come_again(rows[back], Kind.RETURN, silent=silent)

    def exit(self, rows: Rows) -> None:
        """Let listeners leave, of their own will or as the conversation has ended."""
        if not len(rows):
            return
        self._go(rows)
        self.people.state[rows] = State.LEFT
        self.diary.put(rows, np.full(len(rows), NEVER, np.int32))
        self.settle(rows)
        self.counting.count("left", len(rows), self.second)

    def lose(self, edges: NDArray[np.bool_], *, silent: bool = False) -> None:
        """Let these edges die (a mark for each), and whoever is there be cut off.

        `silent`: with their machines or their network, so that nobody ends the connections.
        """
        found = self.edges
        edges = edges & found.alive
        self.cut(self.listening(edges), silent=silent)
        rows, _ = self.knocks.drop(edges)
        found.alive[edges] = False
        self._come_again(rows, None, silent=silent)

    def restore(self, edges: NDArray[np.bool_]) -> None:
        """Let dead edges be there again, with nobody; their ladders know what they knew."""
        found = self.edges
        edges = edges & ~found.alive
        found.alive[edges] = True

    def _come_again(self, rows: Rows, kind: Kind | None, *, silent: bool) -> None:
        people = self.people
        people.tries[rows] = 0
        wait_s = after_s(self.harm, people.tries[rows])
        if silent:
            wait_s += noticed_s(people.lane[rows]) if kind is not None else HEAD_S
        wait_ms = 1000 * wait_s
        people.state[rows] = State.COMES
        if kind is not None:
            people.ticket[rows] = kind
            people.cut[rows] = True
            people.came_ms[rows] = self.now_ms
        self.diary.put(rows, (self.now_ms + wait_ms).astype(np.int32))

    def _go(self, rows: Rows) -> None:
        people, edges = self.people, self.edges
        edges.hold(people.edge[rows], people.lane[rows], people.lower[rows], -1)
        edges.left += np.bincount(people.edge[rows], minlength=len(edges))

    def retry(self, rows: Rows, since_ms: Millis) -> None:
        """Let people come again whose connection failed at those moments."""
        people = self.people
        people.tries[rows] += people.tries[rows] < 255
        people.state[rows] = State.COMES
        wait_s = after_s(self.chance, people.tries[rows])
        self.diary.put(rows, since_ms + (1000 * wait_s).astype(np.int32))

    def give_up(self, rows: Rows) -> None:
        """Let people lose patience, wherever they wait."""
        self.people.state[rows] = State.GAVE_UP
        self.counting.count("gave_up", len(rows), self.second)
        self.unheard(rows)

    def unheard(self, rows: Rows) -> None:
        """Count for how long people have waited who hear nothing, and were told no place.

        Beside the times of those who got in, which by themselves would say that all is well
        wherever only a few do.
        """
        people, counting = self.people, self.counting
        waited_s = (self.now_ms - people.came_ms[rows]) / 1000
        back = people.cut[rows]
        never = ~back & (people.told_ms[rows] == NEVER) & ~people.heard[rows]
        counting.spread("back_s", waited_s[back], self.second)
        counting.spread("first_audio_s", waited_s[never], self.second)
        counting.count("unheard", int(never.sum()))

    def too_late(self, rows: Rows) -> None:
        """Let people ask who will not be answered any more: who has asked for long was unheard."""
        came_ms = self.people.came_ms[rows]
        long = self.now_ms - came_ms > HEAD_S * 1000
        self.unheard(rows[long & (came_ms != NEVER)])

    def settle(self, rows: Rows) -> None:
        """Count how those who are done with listening fared."""
        stalled_s = self.people.stalled_s[rows]
        some = stalled_s[stalled_s > 0]
        self.counting.count("stalled", len(some))
        self.counting.spread("stalled_s", some.astype(np.float64), self.second)
        self.people.stalled_s[rows] = 0
