"""Who waits in line: what they are told, when they look, and each machine's line moving on.

Waits are `Sheet.stand`'s and moments of looking `line.poll_s`'s, for many at once; the lines are
`line.step`'s. Decides nothing beyond those.
"""

import numpy as np
from numpy.typing import NDArray

from stentor.admission.line import WAIT_S_MAX
from stentor.admission.pace import ROOM_MAX
from stentor.admission.tickets import Kind
from stentor.base.settings import Settings
from stentor.simulate.fleet.door import Sheets
from stentor.simulate.fleet.groups import grouped
from stentor.simulate.fleet.lines import BEGINS_MS, polls_s, stands, stands_by
from stentor.simulate.fleet.people import NEVER, Rows, State
from stentor.simulate.fleet.scene import Scene

Floats = NDArray[np.float64]

COMES_S = 0.5  # edge.door: from one's turn to being in, as pages ask
_TURN_S, _LATE_S = 0.05, 0.2  # a page's coming after its turn (simulate.audience)
_PEAK_S = 120  # edge.board
GRACE_S = Settings().door_grace_s
_EVERY = ((8, 1), (64, 2), (1 << 30, 4))  # machines, and ticks between two steps of a line


class Waiting:
    """The lines, and those in them."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        machines = n = scene.edges.machines
        self.sheets = Sheets(
            line=np.zeros(n, np.bool_),
            serving_ms=np.zeros(n, np.int64),
            waiting=np.zeros(n, np.int64),
            late_ms=np.zeros(n, np.int64),
            room=np.full(n, ROOM_MAX, np.int64),
            standby=np.zeros(n, np.int64),
            standby_ms=np.zeros(n, np.int64),
        )
        self._served = np.zeros((GRACE_S, n), np.int64)
        # What the notice says, which is renewed each second: whether there is a line, and up to
        # where it has been served.
        self._told = np.zeros(n, np.bool_), np.zeros(n, np.int64)
        self.people = 0  # in line
        self._peaks = np.zeros((_PEAK_S, machines), np.int64)
        self._every = next(ticks for most, ticks in _EVERY if machines <= most)

    def stand(
        self, rows: Rows, machines: NDArray[np.int64], given: Floats, *, new: bool = False
    ) -> None:
        """Tell people in line how they stand, and when to look again.

        `given` is how many places were given since the sheet was written.
        """
        scene = self._scene
        people = scene.people
        people.called_ms[rows] = NEVER
        chances = scene.chance.random(len(rows))
        waits_s, poll_s = np.empty(len(rows)), np.empty(len(rows))
        now_ms = BEGINS_MS + scene.now_ms
        places_ms, by = people.place_ms[rows], people.ticket[rows] == Kind.STANDBY
        for group, mine in grouped(machines * 2 + by):
            sheet = scene.lines[group // 2].sheet
            stand = stands_by if group % 2 else stands
            stood = stand(sheet, places_ms[mine], now_ms, given[mine])
            waits_s[mine] = stood.waits_s
            if new:
                scene.counting.spread("ahead", stood.ahead, scene.second)
            poll_s[mine] = polls_s(waits_s[mine], sheet.poll_s_min, chances[mine])
        says_s = np.minimum(WAIT_S_MAX, waits_s + COMES_S) if new else waits_s
        self._wait(rows, says_s, poll_s)

    def stand_by(self, rows: Rows, within_s: tuple[float, float]) -> None:
        """Let people wait whose turn it is, and for whom there is room soon: told to come then."""
        low_s, high_s = within_s
        soon_s = low_s + (high_s - low_s) * self._scene.chance.random(len(rows))
        self._wait(rows, soon_s, soon_s)

    def _wait(self, rows: Rows, says_s: Floats, poll_s: Floats) -> None:
        """Have people in line who were told such waits, and when to look again."""
        scene = self._scene
        people = scene.people
        # The first wait that is said counts as promised; while the house is full none is.
        promised = (people.promised_ms[rows] == NEVER) & (says_s < WAIT_S_MAX)
        some = rows[promised]
        people.promised_ms[some] = says_s[promised] * 1000
        people.told_ms[some] = scene.now_ms
        self.people += int(np.count_nonzero(people.state[rows] != State.WAITS))
        people.state[rows] = State.WAITS
        scene.diary.put(rows, (scene.now_ms + poll_s * 1000).astype(np.int32))

    def look(self, rows: Rows) -> None:
        """Let people in line look at the notice: they go, ask, or wait on."""
        if not len(rows):
            return
        scene = self._scene
        people, edges = scene.people, scene.edges
        machines = edges.machine(people.edge[rows])
        up = edges.alive.reshape(-1, edges.per_machine)
        is_up: NDArray[np.bool_] = np.any(up, axis=1)
        lost = ~is_up[machines]
        if lost.any():  # with their machine; their place is as good at another one
            self.people -= int(lost.sum())
            scene.retry(rows[lost], np.full(int(lost.sum()), scene.now_ms, np.int32))
            rows, machines = rows[~lost], machines[~lost]
        # The notice is any edge's of the machine.
        looks = np.bincount(machines, minlength=edges.machines) / np.maximum(1, up.sum(axis=1))
        notices_s = np.repeat(looks, edges.per_machine) * edges.costs.notice_s * edges.slow
        edges.extra_s += np.where(edges.alive, notices_s, 0.0)
        scene.counting.count("looks", len(rows))
        over = scene.now_ms - people.came_ms[rows] > people.patience_ms[rows]
        gone = rows[over]
        scene.give_up(gone)
        rows, machines = rows[~over], machines[~over]
        line, serving_ms = self._told
        served = ~line[machines] | (people.place_ms[rows] <= serving_ms[machines])
        served |= people.ticket[rows] == Kind.STANDBY  # they ask the door itself
        turn = rows[served]
        self.people -= len(gone) + len(turn)
        if len(turn):
            people.state[turn] = State.COMES
            wait_s = _TURN_S + scene.chance.exponential(_LATE_S, len(turn))
            due_ms = (scene.now_ms + wait_s * 1000).astype(np.int32)
            scene.diary.put(turn, due_ms)
        rest = rows[~served]
        if len(rest):
            self.stand(rest, machines[~served], np.zeros(len(rest)))

    def missing(self) -> NDArray[np.int64]:
        """Return how many fewer listen to each machine than at most in the last two minutes."""
        most = self._peaks.max(axis=0)
        found: NDArray[np.int64] = np.maximum(0, most - self._scene.edges.by_machine())
        return found

    def second(self, second: int) -> None:
        """Remember how many listen to each machine, and who has been served."""
        at = second % GRACE_S
        self.sheets.late_ms[:] = self._served[at]
        self._served[at] = self.sheets.serving_ms
        self._peaks[second % _PEAK_S] = self._scene.edges.by_machine()
        self._told = self.sheets.line.copy(), self.sheets.serving_ms.copy()

    def step(self, tick: int) -> None:
        """Move on the lines whose turn it is, and read their sheets.

        A small fleet's all a tick, as in a house; of many machines each every other or fourth one.
        """
        scene, edges = self._scene, self._scene.edges
        per = edges.per_machine
        alive = edges.alive.reshape(-1, per)
        wishes = ((edges.wants_line | (edges.room <= 0)).reshape(-1, per)) & alive
        wanted: NDArray[np.bool_] = np.any(wishes, axis=1)
        sheets = self.sheets
        for machine in np.flatnonzero(wanted | sheets.line).tolist():
            if (tick + machine) % self._every:
                continue
            line, mine = scene.lines[machine], slice(machine * per, machine * per + per)
            up = edges.alive[mine]
            if not up.any():
                continue
            line.step(
                BEGINS_MS + scene.now_ms,
                wanted=bool(wanted[machine]),
                per_s=float(edges.per_s[mine][up].sum()),
                room=int(edges.room[mine][up].sum()),
                leaving_per_s=float(edges.leaving_per_s[mine][up].sum()),
            )
            sheet = line.sheet
            sheets.line[machine] = sheet.line
            sheets.serving_ms[machine] = sheet.serving_ms
            sheets.waiting[machine] = sheet.waiting
            sheets.room[machine] = sheet.room
            sheets.standby[machine] = sheet.standby.waiting
            sheets.standby_ms[machine] = sheet.standby.serving_ms
