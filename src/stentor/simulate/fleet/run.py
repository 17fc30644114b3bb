"""Runs a scenario before a fleet: every listener one by one, in arrays, a quarter of a second each.

In each tick people leave, come, are looked at as their edge's CPU allows, are let in or told their
place, and look at the notice; each second every edge's ladder decides. What anybody is told is the
production code's decision. Seeded and pure: the same seed gives the same bytes.
"""

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from stentor.admission.line import WAIT_S_MAX
from stentor.admission.tickets import Kind
from stentor.simulate.fleet.calibration import Calibration
from stentor.simulate.fleet.counting import Counting
from stentor.simulate.fleet.course import Course
from stentor.simulate.fleet.delivering import Delivering, Turn
from stentor.simulate.fleet.diary import TICK_MS, Diary
from stentor.simulate.fleet.door import Doors, Said, Sheets, is_in
from stentor.simulate.fleet.edges import MARGINS_S, make_edges
from stentor.simulate.fleet.homes import NETWORKS, Homes, population
from stentor.simulate.fleet.knocks import NOBODY, Batch, Knocks, begins
from stentor.simulate.fleet.ladders import Ladders
from stentor.simulate.fleet.lines import BEGINS_MS, Line, polls_s, stands
from stentor.simulate.fleet.people import NEVER, Rows, State, draw
from stentor.simulate.fleet.retrying import HEAD_S, after_s
from stentor.simulate.fleet.scenario import Fleet, Scenario
from stentor.simulate.fleet.scene import Scene
from stentor.simulate.fleet.seam import Harm
from stentor.simulate.machine import COST

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

TICK_S = TICK_MS / 1000
PER_SECOND = 1000 // TICK_MS
MOVES_PER_S = 100.0  # STENTOR_EDGE_MOVES_PER_S
_COMES_S = 0.5  # edge.door: from one's turn to being in, as pages ask
_TURN_S, _LATE_S = 0.05, 0.2  # a page's coming after its turn (simulate.audience)
_AGAIN_S = (1.0, 3.0)  # edge.door
_FULL_S = (5.0, 10.0)
_BARRED_S = (3.0, 7.0)  # as simulate.audience
_BEGINS_MS = 625  # edge.door: from one edge's wish for a line to the line
_PEAK_S = 120  # edge.board
_ALONE_S = 1e-6  # who is looked at within this has woken the edge
_EVERY = ((8, 1), (64, 2), (1 << 30, 4))  # machines, and ticks between two steps of a line


def simulate(
    scenario: Scenario,
    fleet: Fleet,
    calibration: Calibration,
    seed: int,
    progress: Progress | None = None,
) -> Course:
    """Return the course of a scenario before a fleet whose machines are filled in.

    `progress` is told of the second that is over, and of how many there are. Raises `UsageError`
    for a fleet that cannot be.
    """
    return Run(scenario, fleet, calibration, seed).course(progress)


class Run:
    """One simulation."""

    def __init__(
        self, scenario: Scenario, fleet: Fleet, calibration: Calibration, seed: int
    ) -> None:
        self._scenario, self._fleet, self._calibration = scenario, fleet, calibration
        self._seed = seed
        edges = make_edges(scenario, fleet, calibration)
        who, world, answers, harm = np.random.SeedSequence(seed).spawn(4)
        people = draw(scenario, NETWORKS, fleet.regions, who)
        spread = population(scenario.event.listeners)
        self._homes = Homes(np.random.default_rng(world), spread)
        self._seconds = int(scenario.event.lasts_s)
        self._lines = [Line() for _ in range(fleet.machines)]
        self.scene = Scene(
            scenario=scenario,
            people=people,
            edges=edges,
            lines=self._lines,
            doors=Doors(edges),
            diary=Diary(people.due_ms),
            knocks=Knocks(),
            counting=Counting(self._seconds),
            chance=np.random.default_rng(answers),
            harm=np.random.default_rng(harm),
        )
        self._delivering = Delivering(edges)
        self._ladders = Ladders(edges, scenario.programme)
        self._free_s = np.zeros(len(edges))
        machines = fleet.machines
        self._sheets = Sheets(
            np.zeros(machines, np.bool_), np.zeros(machines, np.int64), np.zeros(machines, np.int64)
        )
        self._peaks = np.zeros((_PEAK_S, machines), np.int64)
        self._every = next(ticks for most, ticks in _EVERY if machines <= most)
        self._welcomes = np.zeros(len(edges))
        self._first_audio_s = calibration.first_audio_s
        self.harms: list[Harm] = []
        self._ends_ms = int(1000 * (scenario.event.ends_s or 10**6))

    def course(self, progress: Progress | None = None) -> Course:
        """Run it all, and return what came of it."""
        scene = self.scene
        for second in range(self._seconds):
            scene.second = second
            for n in range(PER_SECOND):
                self._tick(second * PER_SECOND + n)
            self._second(second)
            if progress is not None:
                progress(second + 1, self._seconds)
        return self._result()

    def _tick(self, tick: int) -> None:
        scene = self.scene
        people = scene.people
        begin_ms, scene.now_ms = tick * TICK_MS, (tick + 1) * TICK_MS
        live = begin_ms >= self._scenario.event.hour_s * 1000
        if begin_ms <= self._ends_ms < scene.now_ms:
            scene.exit(scene.listening())
        for harm in self.harms:
            harm.tick(scene, begin_ms)
        due = scene.diary.take(tick)
        if len(due):
            # Their moment within the tick is lost with it, but for who comes.
            state = people.state[due]
            leaving = due[state == State.LISTENS]
            if len(leaving):
                at = people.edge[leaving]
                self._ladders.left += np.bincount(at, minlength=len(scene.edges))
                scene.exit(leaving)
            self._look(due[state == State.WAITS])
            self._come(due[state <= State.COMES], begin_ms)
        turn = self._delivering.begin(TICK_S, live=live)
        scene.doors.tick(TICK_S, self._missing(), MOVES_PER_S)
        spent_s = self._serve(turn, begin_ms)
        self._delivering.end(TICK_S, spent_s, self._welcomes)
        self._welcomes[:] = 0
        self._step_lines(tick)

    # --- who comes -------------------------------------------------------------------------

    def _come(self, rows: Rows, begin_ms: int) -> None:
        scene, counting = self.scene, self.scene.counting
        people, edges = scene.people, scene.edges
        if not len(rows):
            return
        n = len(rows)
        came_ms = begin_ms + scene.chance.integers(0, TICK_MS, n, np.int32)
        if begin_ms >= self._ends_ms:
            people.state[rows] = State.LATE
            counting.count("late", n)
            return
        counting.count("came", n, scene.second)
        first = people.state[rows] == State.AWAY
        people.came_ms[rows[first]] = came_ms[first]
        counting.count("people", int(first.sum()))
        at = self._choose(rows, first)
        people.edge[rows] = at
        for harm in self.harms:
            barred = harm.bars(scene, rows, at, came_ms)
            if barred is not None and barred.any():
                counting.count("barred", int(barred.sum()))
                self._again(rows[barred], _BARRED_S)
                rows, at, came_ms, first = (one[~barred] for one in (rows, at, came_ms, first))
        n = len(rows)
        # A first visit fetches the page too, unless it comes from elsewhere.
        work_s = np.zeros(n)
        visits = first & (scene.chance.random(n) < self._scenario.staying.visits)
        work_s[visits] = edges.costs.page_s * edges.slow[at[visits]]
        people.state[rows] = State.KNOCKS
        scene.knocks.add(rows, at, came_ms, work_s)

    def _choose(self, rows: Rows, first: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the edges where people end up: of their region, as names and kernels spread them.

        Whoever holds a place comes to the machine that gave it, if it is still there.
        """
        scene = self.scene
        people, edges = scene.people, scene.edges
        n, per = len(rows), edges.per_machine
        up = edges.alive.reshape(-1, per)
        machines_up: NDArray[np.bool_] = np.any(up, axis=1)
        chance = scene.chance.random(n)
        machine = np.empty(n, np.int64)
        region = people.region[rows]
        everywhere = np.flatnonzero(machines_up)
        if not len(everywhere):
            everywhere = np.arange(edges.machines)
        for one in range(self._fleet.regions):
            mine = region == one
            there = everywhere[edges.region[everywhere] == one]
            some = there if len(there) else everywhere
            machine[mine] = some[(chance[mine] * len(some)).astype(np.int64)]
        held = ~first & (people.ticket[rows] == Kind.LINE)
        before = people.edge[rows].astype(np.int64) // per
        stays = held & machines_up[before]
        machine[stays] = before[stays]
        if edges.alive.all():
            return machine * per + scene.chance.integers(0, per, n)
        # Of the edges of a machine that live, one.
        alive_before = np.concatenate(([0], np.cumsum(edges.alive)))
        begin, end = alive_before[machine * per], alive_before[(machine + 1) * per]
        at = begin + (scene.chance.random(n) * (end - begin)).astype(np.int64)
        alive = np.flatnonzero(edges.alive)
        if not len(alive):
            return machine * per
        found: NDArray[np.int64] = alive[np.minimum(at, len(alive) - 1)]
        return found

    # --- who is looked at ------------------------------------------------------------------

    def _serve(self, turn: Turn, begin_ms: int) -> Floats:
        """Look at as many as the edges' CPU allows; return what that cost each."""
        scene = self.scene
        edges, knocks = scene.edges, scene.knocks
        n = len(edges)
        spent_s = np.zeros(n)
        accept_s = COST["accept"] * edges.costs.join_s * edges.slow
        gone, came_ms = knocks.give_up(scene.now_ms - int(HEAD_S * 1000), accept_s)
        if len(gone):
            scene.counting.count("given_up", len(gone))
            scene.people.state[gone] = State.COMES
            tries = scene.people.tries[gone]
            scene.people.tries[gone] = np.minimum(tries, 254) + 1
            again_ms = came_ms + 1000 * (HEAD_S + after_s(scene.chance, tries))
            scene.diary.put(gone, again_ms.astype(np.int32))
        other = edges.extra_s > 0
        if other.any():
            at = np.flatnonzero(other)
            moments = np.full(len(at), begin_ms, np.int32)
            knocks.add(np.full(len(at), NOBODY), at, moments, edges.extra_s[at])
            edges.extra_s[:] = 0
        if not len(knocks):
            return spent_s
        batch = knocks.batch()
        said = scene.doors.ask(batch, scene.people, self._sheets)
        answer_s = np.where(is_in(said), edges.costs.join_s, edges.costs.place_s)
        takes_s = batch.work_s + (said != Said.NOTHING) * answer_s * edges.slow[batch.edges]
        pending_s = np.bincount(batch.edges, takes_s, n)
        even = np.maximum(1e-6, turn.budget_s / TICK_S)
        speed = np.where(pending_s <= turn.budget_s, turn.speed, np.minimum(even, turn.speed))
        begin_s, done_s = begins(batch, takes_s / speed[batch.edges], self._free_s)
        seen = (begin_s < scene.now_ms / 1000) & (edges.alive[batch.edges])
        knocks.keep(batch, ~seen)
        if not seen.any():
            return spent_s
        at = batch.edges[seen]
        spent_s += np.bincount(at, takes_s[seen], n)
        np.maximum.at(self._free_s, at, done_s[seen])
        scene.doors.spend(batch, said, seen)
        there = seen & (batch.rows >= 0)
        others = seen & (batch.rows < NOBODY)
        if others.any():
            for harm in self.harms:
                harm.seen(scene, batch.rows[others], batch.edges[others], self._sheets.line)
        ladders = self._ladders
        ladders.asked += np.bincount(batch.edges[there], minlength=n)
        ladders.seen += np.bincount(at, minlength=n)
        ladders.spent_s += spent_s
        waits_s = np.maximum(0.0, begin_s - batch.came_ms / 1000)
        alone = batch.edges[there & (waits_s < _ALONE_S)]
        self._delivering.woken_s += np.bincount(alone, minlength=n) * edges.costs.wake_s
        np.maximum.at(ladders.wait_s, batch.edges[there], waits_s[there])
        self._let_in(batch, said, there & is_in(said), waits_s)
        self._put_in_line(batch, there & (said == Said.PLACE))
        self._tell(batch, said, there)
        return spent_s

    def _let_in(
        self, batch: Batch, said: NDArray[np.uint8], who: NDArray[np.bool_], waits_s: Floats
    ) -> None:
        if not who.any():
            return
        scene, counting = self.scene, self.scene.counting
        people, edges = scene.people, scene.edges
        rows, at, said = batch.rows[who], batch.edges[who], said[who]
        begins_ms = batch.came_ms[who] + (waits_s[who] * 1000)
        audio_ms = begins_ms + self._first_audio_s * 1000
        back = people.cut[rows]
        waited = people.told_ms[rows] != NEVER
        new = ~back & ~waited
        since_came_s = (audio_ms - people.came_ms[rows]) / 1000
        counting.spread("first_audio_s", since_came_s[new], scene.second)
        counting.spread("back_s", since_came_s[back], scene.second)
        self._turns_came(
            rows[said == Said.TURN], at[said == Said.TURN], audio_ms[said == Said.TURN]
        )
        if waited.any():
            told_ms, promised_ms = people.told_ms[rows[waited]], people.promised_ms[rows[waited]]
            wait_s = (begins_ms[waited] - told_ms) / 1000
            counting.spread("wait_s", wait_s, scene.second)
            kept = promised_ms != NEVER
            promise_s = np.maximum(1.0, promised_ms[kept] / 1000)
            counting.spread("wait_error", wait_s[kept] / promise_s - 1.0, scene.second)
        counting.count("joined", len(rows), scene.second)
        counting.count("returned", int(back.sum()), scene.second)
        counting.count("heard", int((~people.heard[rows]).sum()))
        people.heard[rows] = True
        people.cut[rows] = False
        people.tries[rows] = 0
        people.told_ms[rows] = NEVER
        people.ticket[rows] = 0
        people.lane[rows] = np.maximum(edges.lane[at], np.where(back, people.lane[rows], 0))
        people.lower[rows] = edges.lower[at]
        people.state[rows] = State.LISTENS
        first = people.leaves_ms[rows] == NEVER
        leaves_ms = np.where(first, begins_ms + people.stay_ms[rows], people.leaves_ms[rows])
        people.leaves_ms[rows] = leaves_ms
        scene.diary.put(rows, leaves_ms.astype(np.int32))
        edges.hold(at, people.lane[rows], people.lower[rows], 1)
        n = len(edges)
        self._ladders.joined += np.bincount(at, minlength=n)
        self._welcomes += np.bincount(at, edges.burst_bits[people.lane[rows]], n)
        machines = edges.machine(at)
        past = machines[(said == Said.REMINDED) | (said == Said.AT_ONCE)]
        for machine, times in zip(*np.unique(past, return_counts=True), strict=True):
            self._lines[machine].past += int(times)

    def _turns_came(self, rows: Rows, at: NDArray[np.int64], audio_ms: Floats) -> None:
        """Count those whose turn it was, and how long they waited for audio after it."""
        if not len(rows):
            return
        scene = self.scene
        machines = scene.edges.machine(at).tolist()
        places = scene.people.place_ms[rows].tolist()
        since_s = np.empty(len(rows))
        for n, (machine, place, end_ms) in enumerate(
            zip(machines, places, audio_ms.tolist(), strict=True)
        ):
            line = self._lines[machine]
            line.came += 1
            since_s[n] = line.since_turn_s(place, BEGINS_MS + int(end_ms))
        scene.counting.spread("served_audio_s", since_s, scene.second)

    def _put_in_line(self, batch: Batch, who: NDArray[np.bool_]) -> None:
        """Give places, one production call each."""
        if not who.any():
            return
        scene = self.scene
        people, doors, per = scene.people, scene.doors, scene.edges.per_machine
        rows, at = batch.rows[who], batch.edges[who]
        now_ms = BEGINS_MS + scene.now_ms
        peers = self._homes.addresses(people.network[rows])
        given: dict[int, list[int]] = {}
        places_ms = np.empty(len(rows), np.int32)
        full = np.zeros(len(rows), np.bool_)
        sofar = np.zeros(len(rows))
        for n, (edge, peer) in enumerate(zip(at.tolist(), peers, strict=True)):
            machine = edge // per
            sheet = self._lines[machine].sheet
            virtual_ms = sheet.virtual_ms(now_ms)
            if not sheet.line:
                virtual_ms += _BEGINS_MS
            place_ms = doors.places[edge].place(peer, virtual_ms)
            if place_ms is None:
                full[n] = True
                continue
            mine = given.setdefault(machine, [])
            mine.append(place_ms)
            places_ms[n] = place_ms
            sofar[n] = len(mine)
        for machine, mine in given.items():
            line = self._lines[machine]
            sofar[at // per == machine] += line.places - line.sheet.totals.places
            line.note_places(mine)
        if full.any():
            scene.counting.count("line_full", int(full.sum()), None)
            self._again(rows[full], _FULL_S)
            rows, at, places_ms, sofar = rows[~full], at[~full], places_ms[~full], sofar[~full]
        people.ticket[rows] = Kind.LINE
        people.place_ms[rows] = places_ms
        people.told_ms[rows] = scene.now_ms
        people.promised_ms[rows] = NEVER
        scene.counting.count("places", len(rows))
        self._stand(rows, at // per, sofar, new=True)

    def _tell(self, batch: Batch, said: NDArray[np.uint8], there: NDArray[np.bool_]) -> None:
        scene = self.scene
        told = there & ~is_in(said)
        scene.counting.count("told", int(told.sum()), scene.second)
        again = batch.rows[there & (said == Said.AGAIN)]
        scene.counting.count("again", len(again))
        self._again(again, _AGAIN_S)
        early = there & (said == Said.EARLY)
        if early.any():
            rows, at = batch.rows[early], batch.edges[early]
            self._stand(rows, scene.edges.machine(at), np.zeros(len(rows)))

    def _again(self, rows: Rows, within_s: tuple[float, float]) -> None:
        """Let people ask again after a while."""
        if len(rows):
            scene = self.scene
            scene.people.state[rows] = State.COMES
            wait_ms = self._between(within_s, len(rows))
            scene.diary.put(rows, (scene.now_ms + wait_ms).astype(np.int32))

    # --- who waits -------------------------------------------------------------------------

    def _stand(
        self, rows: Rows, machines: NDArray[np.int64], given: Floats, *, new: bool = False
    ) -> None:
        """Tell people in line how they stand, and when to look again."""
        scene = self.scene
        people = scene.people
        chances = scene.chance.random(len(rows))
        waits_s, poll_s = np.empty(len(rows)), np.empty(len(rows))
        now_ms = BEGINS_MS + scene.now_ms
        for machine in np.unique(machines).tolist():
            mine = machines == machine
            sheet = self._lines[machine].sheet
            waits_s[mine] = stands(sheet, people.place_ms[rows[mine]], now_ms, given[mine])
            poll_s[mine] = polls_s(waits_s[mine], sheet.poll_s_min, chances[mine])
        # The first wait that is said counts as promised; while the house is full none is.
        says_s = np.minimum(WAIT_S_MAX, waits_s + _COMES_S) if new else waits_s
        promised = (people.promised_ms[rows] == NEVER) & (says_s < WAIT_S_MAX)
        some = rows[promised]
        people.promised_ms[some] = says_s[promised] * 1000
        people.told_ms[some] = scene.now_ms
        people.state[rows] = State.WAITS
        scene.diary.put(rows, (scene.now_ms + poll_s * 1000).astype(np.int32))

    def _look(self, rows: Rows) -> None:
        """Let people in line look at the notice: they go, ask, or wait on."""
        if not len(rows):
            return
        scene = self.scene
        people, edges = scene.people, scene.edges
        edge = people.edge[rows].astype(np.int64)
        edges.extra_s += np.bincount(edge, minlength=len(edges)) * edges.costs.notice_s * edges.slow
        machines = edges.machine(edge)
        over = scene.now_ms - people.came_ms[rows] > people.patience_ms[rows]
        gone = rows[over]
        people.state[gone] = State.GAVE_UP
        scene.counting.count("gave_up", len(gone), scene.second)
        rows, machines = rows[~over], machines[~over]
        served = ~self._sheets.line[machines] | (
            people.place_ms[rows] <= self._sheets.serving_ms[machines]
        )
        turn = rows[served]
        if len(turn):
            people.state[turn] = State.COMES
            wait_s = _TURN_S + scene.chance.exponential(_LATE_S, len(turn))
            scene.diary.put(turn, (scene.now_ms + wait_s * 1000).astype(np.int32))
        rest = rows[~served]
        if len(rest):
            self._stand(rest, machines[~served], np.zeros(len(rest)))

    def _missing(self) -> NDArray[np.int64]:
        listeners = self.scene.edges.listeners.reshape(self._fleet.machines, -1).sum(axis=1)
        missing: NDArray[np.int64] = np.maximum(0, self._peaks.max(axis=0) - listeners)
        return missing

    def _step_lines(self, tick: int) -> None:
        """Move on the lines whose turn it is, and read their sheets."""
        scene, edges = self.scene, self.scene.edges
        per = edges.per_machine
        alive = edges.alive.reshape(-1, per)
        wishes = ((edges.wants_line | (edges.room <= 0)).reshape(-1, per)) & alive
        wanted: NDArray[np.bool_] = np.any(wishes, axis=1)
        sheets = self._sheets
        for machine in np.flatnonzero(wanted | sheets.line).tolist():
            if (tick + machine) % self._every:
                continue
            line, mine = self._lines[machine], slice(machine * per, machine * per + per)
            up = edges.alive[mine]
            if not up.any():
                continue
            line.step(
                BEGINS_MS + scene.now_ms,
                wanted=bool(wanted[machine]),
                per_s=float(edges.per_s[mine][up].sum()),
                room=int(np.maximum(0, edges.room[mine][up]).sum()),
                leaving_per_s=float(edges.leaving_per_s[mine][up].sum()),
            )
            sheet = line.sheet
            sheets.line[machine] = sheet.line
            sheets.serving_ms[machine] = sheet.serving_ms
            sheets.waiting[machine] = sheet.waiting

    # --- each second -----------------------------------------------------------------------

    def _second(self, second: int) -> None:
        scene, delivering = self.scene, self._delivering
        edges, people, counting = scene.edges, scene.people, scene.counting
        listeners = edges.listeners
        self._peaks[second % _PEAK_S] = listeners.reshape(self._fleet.machines, -1).sum(axis=1)
        open_ = listeners + edges.idle + scene.knocks.by_edge(len(edges))
        spent_s = self._ladders.spent_s.copy()
        live = scene.now_ms > self._scenario.event.hour_s * 1000
        self._stall(second, live=live)
        self._ladders.second(
            second + 1.0, delivering, live=live, open_=open_, waiting=self._sheets.waiting
        )
        for harm in self.harms:
            harm.second(scene)
        virtual_ms = np.array(
            [one.sheet.virtual_ms(BEGINS_MS + scene.now_ms) for one in self._lines]
        )
        scene.doors.forget_idle(virtual_ms)
        at = {name: column[second : second + 1] for name, column in counting.seconds.items()}
        alive = edges.alive
        use = (delivering.use + edges.edge_s + spent_s + delivering.woken_s)[alive]
        delivering.woken_s[:] = 0
        cores = self._fleet.cores * self._fleet.machines
        at["listeners"][:] = listeners.sum()
        at["waiting"][:] = np.count_nonzero(people.state == State.WAITS)
        at["cpu"][:] = use.sum() / cores
        at["deliveries_cpu"][:] = delivering.use[alive].sum() / cores
        if alive.any():
            at["cpu_worst"][:] = (use / edges.share).max()
            at["late_s"][:] = delivering.late_s[alive].max()
            at["step_median"][:] = np.median(edges.step[alive])
            at["step_worst"][:] = edges.step[alive].max()
            at["descriptors_worst"][:] = open_.max() / edges.descriptors
            memory = edges.edge_bytes + open_ * edges.costs.memory_bytes
            at["memory_worst"][:] = memory.max() / edges.memory_bytes
        at["bits_per_s"][:] = delivering.network.sum() * edges.machine_bits
        at["network_worst"][:] = delivering.network.max()
        at["edges"][:] = alive.sum()
        counting.behind(edges.present.sum(axis=0) * live, second)

    def _stall(self, second: int, *, live: bool) -> None:
        """See whose buffer is dry: a delivery was later than what they had in hand."""
        scene, late_s = self.scene, self._delivering.late_s
        dry = late_s > MARGINS_S[0]
        if not (live and dry.any()):
            return
        people = scene.people
        rows = scene.listening(dry)
        over_s = late_s[people.edge[rows]] - MARGINS_S[people.lane[rows]]
        over_s = over_s.astype(np.float32)
        missed = self._delivering.missed[people.edge[rows]].astype(np.float32)
        stalling = (over_s > people.stalled_s[rows]) | (missed > 0)
        people.stalled_s[rows] = np.maximum(people.stalled_s[rows], over_s) + missed
        scene.counting.seconds["stalling"][second] = np.count_nonzero(stalling)

    def _between(self, within_s: tuple[float, float], n: int) -> Floats:
        low_s, high_s = within_s
        return 1000 * (low_s + (high_s - low_s) * self.scene.chance.random(n))

    def _result(self) -> Course:
        scene = self.scene
        people, counting = scene.people, scene.counting
        scene._settle(scene.listening())
        for state in State:
            counting.counts[f"at_end_{state.name.lower()}"] = int((people.state == state).sum())
        counting.counts["never_heard"] = counting.counts.get("people", 0) - counting.counts.get(
            "heard", 0
        )
        return Course(
            scenario=self._scenario,
            fleet=msgspec.structs.replace(self._fleet, edges=scene.edges.per_machine),
            calibration=self._calibration,
            seed=self._seed,
            seconds=counting.seconds,
            lanes=counting.lanes,
            people=counting.people(),
            percentiles=counting.percentiles(),
            counts=counting.counts,
            edges=len(scene.edges),
        )
