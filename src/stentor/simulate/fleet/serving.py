"""Looks at those who have come, as far as an edge's CPU allows, and does what the door says.

They are let in, given a place, or sent back to wait. What the door says is `door`'s; when each is
looked at is `knocks`'s; here it happens to people. Decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stentor.admission.tickets import Kind
from stentor.simulate.costs import COST
from stentor.simulate.fleet.delivering import Turn
from stentor.simulate.fleet.diary import TICK_MS
from stentor.simulate.fleet.door import Said, is_in
from stentor.simulate.fleet.gathering import Turns, held_up, later_turns
from stentor.simulate.fleet.groups import grouped
from stentor.simulate.fleet.homes import Homes
from stentor.simulate.fleet.knocks import NOBODY, Batch, begins
from stentor.simulate.fleet.ladders import Ladders
from stentor.simulate.fleet.lines import BEGINS_MS
from stentor.simulate.fleet.people import NEVER, Rows, State
from stentor.simulate.fleet.rationing import asking_s, ration, used_s
from stentor.simulate.fleet.retrying import HEAD_S
from stentor.simulate.fleet.scene import Scene
from stentor.simulate.fleet.seam import Harm
from stentor.simulate.fleet.waiting import Waiting

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

# Whoever comes so long after the edge was done with the one before has woken it. At 2,000 a second
# and more one finds it awake (bench/joins.py, with its arrivals spread).
_ASLEEP_S = 0.5e-3
_MOST = 256  # of an edge's queue, to begin with
_GIVES_UP_MS = int(HEAD_S * 1000)
_AGAIN_S = (1.0, 3.0)  # edge.door
_FULL_S = (5.0, 10.0)  # simulate.audience
_LINE_BEGINS_MS = 625  # edge.door: from one edge's wish for a line to the line


@dataclass(slots=True)
class _Look:
    """A batch, what is said to each, and when each is looked at, if in this tick (`seen`)."""

    batch: Batch
    said: NDArray[np.uint8]
    takes_s: Floats
    held_up_s: Floats  # from their look to their audio, by others' handshakes
    apart: Marks  # who gathered, and whose edge was not behind: all else they take wakes it again
    begin_s: Floats
    done_s: Floats
    seen: Marks


class Serving:
    """All edges' work for those who come."""

    def __init__(
        self,
        scene: Scene,
        waiting: Waiting,
        ladders: Ladders,
        homes: Homes,
        harms: Sequence[Harm],
        first_audio_s: float,
    ) -> None:
        """`first_audio_s` is from asking to audio where nobody else asks."""
        self._scene = scene
        self._waiting = waiting
        self._ladders = ladders
        self._homes = homes
        self._harms = harms
        self._first_audio_s = first_audio_s
        self._free_s = np.zeros(len(scene.edges))
        edges = scene.edges
        self._turns = Turns(len(edges), edges.share)
        self._tls = scene.scenario.programme.tls
        self._later_turns = later_turns(tls=self._tls)
        self.welcomes_bits = np.zeros(len(scene.edges))  # in this tick

    def serve(self, turn: Turn, begin_ms: int) -> Floats:
        """Look at as many as the edges' CPU allows; return what each used of its share, in s."""
        scene, ladders = self._scene, self._ladders
        edges, knocks = scene.edges, scene.knocks
        n = len(edges)
        self.welcomes_bits[:] = 0
        self._give_up()
        self._others(begin_ms)
        if not len(knocks):
            self._turns.take(np.zeros(n))
            return np.zeros(n)
        look = self._look(turn)
        batch, said, takes_s = look.batch, look.said, look.takes_s
        begin_s, done_s, seen = look.begin_s, look.done_s, look.seen
        knocks.leave(batch.at[seen])
        if not seen.any():
            self._turns.take(np.zeros(n))
            return np.zeros(n)
        at = batch.edges[seen]
        spent_s: Floats = np.bincount(at, takes_s[seen], n).astype(np.float64)
        idle_s = begin_s - self._done_before(batch, done_s)
        np.maximum.at(self._free_s, at, done_s[seen])
        scene.doors.spend(batch, said, seen)
        there = seen & (batch.rows >= 0)
        others = seen & (batch.rows < NOBODY)
        if others.any():
            for harm in self._harms:
                harm.seen(scene, batch.rows[others], batch.edges[others], self._waiting.sheets.line)
        ladders.asked += np.bincount(batch.edges[there], minlength=n)
        ladders.seen += np.bincount(at, minlength=n)
        ladders.spent_s += spent_s
        waits_s = np.maximum(0.0, begin_s - batch.came_ms / 1000)
        np.maximum.at(ladders.wait_s, batch.edges[there], waits_s[there])
        woken = idle_s > _ASLEEP_S
        self._turns.take(np.bincount(batch.edges[seen & woken], minlength=n).astype(np.float64))
        turns = woken + (woken | look.apart) * self._later_turns
        edges.woken_s += np.bincount(batch.edges, turns * there, n) * edges.costs.wake_s
        edges.woken_s += np.bincount(batch.edges[there], minlength=n) * edges.costs.beside_s
        if batch.moves.any():
            self._move(batch, there & batch.moves & is_in(said))
            there &= ~batch.moves
        self._let_in(batch, said, there & is_in(said), waits_s, look.held_up_s)
        self._put_in_line(batch, there & (said == Said.PLACE))
        self._put_on_standby(batch, there & (said == Said.STANDBY))
        self._tell(batch, said, there)
        return used_s(spent_s, turn, edges.costs.saved_worth)

    def _look(self, turn: Turn) -> "_Look":
        """Return who is looked at in this tick.

        What is said to somebody follows from those before them at their edge, so it is enough to
        ask for the first of each queue: so many that the last of them is not looked at any more.
        """
        scene, edges = self._scene, self._scene.edges
        n, most = len(edges), np.full(len(edges), _MOST)
        scene.knocks.sort()
        waiting = scene.knocks.by_edge(n)
        while True:
            batch = scene.knocks.batch(n, most)
            said = scene.doors.ask(batch, scene.people, self._waiting.sheets)
            answer_s = np.where(is_in(said), edges.costs.join_s, edges.costs.place_s)
            slow = edges.slow[batch.edges]
            answer_s += asking_s(batch, scene.now_ms)
            takes_s = batch.work_s + (said != Said.NOTHING) * answer_s * slow
            within = np.bincount(batch.edges, takes_s, n) <= turn.budget_s
            worth, begin_ms = edges.costs.saved_worth, scene.now_ms - TICK_MS
            speed, sliced = ration(batch, takes_s, turn, worth, begin_ms)
            ready_ms, gathers = self._turns.ready_ms(batch)
            begin_s, done_s = begins(batch, ready_ms, takes_s / speed, self._free_s)
            seen = (begin_s < scene.now_ms / 1000) & (edges.alive[batch.edges])
            all_seen = np.bincount(batch.edges[~seen], minlength=n) == 0
            more = (waiting > most) & edges.alive & (within | all_seen)
            if not more.any():
                apart = gathers & self._turns.on_time(ready_ms, begin_s)
                nth = np.arange(len(batch)) - batch.first + 1
                joins = held_up(np.maximum(0.0, waiting[batch.edges] - nth), tls=self._tls)
                held_s = sliced * joins * edges.costs.join_s * slow / speed
                return _Look(batch, said, takes_s, held_s, apart, begin_s, done_s, seen)
            most[more] *= 4

    def _done_before(self, batch: Batch, done_s: Floats) -> Floats:
        """Return when the edge was done with whoever came before each one."""
        before = np.roll(done_s, 1)
        leads = batch.first == np.arange(len(batch))
        before[leads] = self._free_s[batch.edges[leads]]
        return before

    def _give_up(self) -> None:
        """Nobody waits for an answer for ever; whoever has gone comes again a little later."""
        scene = self._scene
        edges = scene.edges
        accept_s = COST["accept"] * edges.costs.join_s * edges.slow
        gone, came_ms = scene.knocks.give_up(scene.now_ms - _GIVES_UP_MS, accept_s)
        if len(gone):
            scene.counting.count("given_up", len(gone))
            scene.retry(gone, came_ms + np.int32(_GIVES_UP_MS))

    def _others(self, begin_ms: int) -> None:
        """Put in the queue what else came in this tick: notices, and what harm does."""
        edges = self._scene.edges
        at = np.flatnonzero(edges.extra_s > 0)
        if len(at):
            moments = np.full(len(at), begin_ms, np.int32)
            self._scene.knocks.add(np.full(len(at), NOBODY), at, moments, edges.extra_s[at])
            edges.extra_s[:] = 0

    def _let_in(
        self,
        batch: Batch,
        said: NDArray[np.uint8],
        who: Marks,
        waits_s: Floats,
        held_up_s: Floats,
    ) -> None:
        if not who.any():
            return
        scene, counting = self._scene, self._scene.counting
        people, edges = scene.people, scene.edges
        rows, at, said = batch.rows[who], batch.edges[who], said[who]
        begins_ms = batch.came_ms[who] + waits_s[who] * 1000
        audio_ms = begins_ms + (self._first_audio_s + held_up_s[who]) * 1000
        back = people.cut[rows]
        self._count_times(rows, at, said, begins_ms, audio_ms)
        counting.count("joined", len(rows), scene.second)
        counting.count("returned", int(back.sum()), scene.second)
        counting.count("heard", int((~people.heard[rows]).sum()))
        people.heard[rows] = True
        people.cut[rows] = False
        people.tries[rows] = 0
        people.told_ms[rows] = people.called_ms[rows] = NEVER
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
        bursts = edges.burst_bits[people.lower[rows].astype(np.int64), people.lane[rows]]
        self.welcomes_bits += np.bincount(at, bursts, n)
        past = edges.machine(at[(said == Said.REMINDED) | (said == Said.AT_ONCE)])
        came = edges.machine(at[said == Said.TURN])
        for machine, times in zip(*np.unique(past, return_counts=True), strict=True):
            scene.lines[machine].past += int(times)
        for machine, times in zip(*np.unique(came, return_counts=True), strict=True):
            scene.lines[machine].came += int(times)

    def _count_times(
        self,
        rows: Rows,
        at: NDArray[np.int64],
        said: NDArray[np.uint8],
        begins_ms: Floats,
        audio_ms: Floats,
    ) -> None:
        """Count how long those who are let in have waited, for what."""
        scene, counting = self._scene, self._scene.counting
        people, second = scene.people, scene.second
        back, waited = people.cut[rows], people.told_ms[rows] != NEVER
        since_came_s = (audio_ms - people.came_ms[rows]) / 1000
        counting.spread("first_audio_s", since_came_s[~back & ~waited], second)
        counting.spread("back_s", since_came_s[back], second)
        if not waited.any():
            return
        told_ms, promised_ms = people.told_ms[rows[waited]], people.promised_ms[rows[waited]]
        wait_s = (begins_ms[waited] - told_ms) / 1000
        counting.spread("wait_s", wait_s, second)
        kept = promised_ms != NEVER
        promise_s = np.maximum(1.0, promised_ms[kept] / 1000)
        counting.spread("wait_error", wait_s[kept] / promise_s - 1.0, second)
        turn = (said == Said.TURN) & (people.ticket[rows] == Kind.LINE)
        rows, at, audio_ms = rows[turn], at[turn], audio_ms[turn]
        called_s = (audio_ms - people.called_ms[rows]) / 1000
        counting.spread("called_audio_s", np.maximum(0.0, called_s), second)
        places, machines = people.place_ms[rows].tolist(), scene.edges.machine(at).tolist()
        since_s = [
            scene.lines[machine].since_turn_s(place_ms, BEGINS_MS + int(end_ms))
            for machine, place_ms, end_ms in zip(machines, places, audio_ms.tolist(), strict=True)
        ]
        counting.spread("served_audio_s", np.array(since_s), second)

    def _move(self, batch: Batch, who: Marks) -> None:
        """Let those who come again be in another lane, if they still listen."""
        scene = self._scene
        people, edges = scene.people, scene.edges
        rows, at = batch.rows[who], batch.edges[who]
        still = people.state[rows] == State.LISTENS
        rows, at = rows[still], at[still]
        if not len(rows):
            return
        before = people.edge[rows]
        edges.hold(before, people.lane[rows], people.lower[rows], -1)
        people.edge[rows] = at
        people.lane[rows] = np.maximum(edges.lane[at], people.moves_to[rows])
        people.lower[rows] = edges.lower[at]
        edges.hold(at, people.lane[rows], people.lower[rows], 1)
        n = len(edges)
        edges.left += np.bincount(before, minlength=n)
        scene.counting.count("moved", len(rows))

    def _put_in_line(self, batch: Batch, who: Marks) -> None:
        """Give places, one production call each."""
        if not who.any():
            return
        scene = self._scene
        people, doors, per = scene.people, scene.doors, scene.edges.per_machine
        rows, at = batch.rows[who], batch.edges[who]
        now_ms = BEGINS_MS + scene.now_ms
        peers = self._homes.addresses(people.network[rows])
        given: dict[int, list[int]] = {}
        places_ms = np.zeros(len(rows), np.int32)
        sofar = np.zeros(len(rows))
        for n, (edge, peer) in enumerate(zip(at.tolist(), peers, strict=True)):
            machine = edge // per
            sheet = scene.lines[machine].sheet
            virtual_ms = sheet.virtual_ms(now_ms)
            if not sheet.line:
                virtual_ms += _LINE_BEGINS_MS
            place_ms = doors.places[edge].place(peer, virtual_ms)
            if place_ms is None:
                sofar[n] = -1
                continue
            mine = given.setdefault(machine, [])
            mine.append(place_ms)
            places_ms[n] = place_ms
            sofar[n] = len(mine)
        full = sofar < 0
        if full.any():
            scene.counting.count("line_full", int(full.sum()))
            scene.again(rows[full], _FULL_S)
            kept = np.flatnonzero(~full)
            rows, at, places_ms, sofar = rows[kept], at[kept], places_ms[kept], sofar[kept]
        machines = scene.edges.machine(at)
        before = np.zeros(scene.edges.machines)
        for machine, mine in given.items():
            line = scene.lines[machine]
            before[machine] = line.places - line.sheet.totals.places
            line.note_places(mine)
        sofar += before[machines]
        people.ticket[rows] = Kind.LINE
        people.place_ms[rows] = places_ms
        people.told_ms[rows] = scene.now_ms
        people.promised_ms[rows] = NEVER
        scene.counting.count("places", len(rows))
        self._waiting.stand(rows, machines, sofar, new=True)

    def _put_on_standby(self, batch: Batch, who: Marks) -> None:
        """Give places before the line, in the order in which people came."""
        if not who.any():
            return
        scene = self._scene
        people = scene.people
        rows, machines = batch.rows[who], scene.edges.machine(batch.edges[who])
        came_ms, given = BEGINS_MS + batch.came_ms[who], np.zeros(len(rows))
        for machine, mine in grouped(machines):
            line, more = scene.lines[machine], len(mine)
            by = line.sheet.standby
            given[mine] = line.standby - by.given + np.arange(1, more + 1)
            came_ms[mine] = np.maximum(by.serving_ms + 1, came_ms[mine])
            line.standby += more
        people.ticket[rows] = Kind.STANDBY
        people.place_ms[rows] = came_ms
        people.told_ms[rows] = np.minimum(people.told_ms[rows], scene.now_ms)
        scene.counting.count("standby", len(rows))
        self._waiting.stand(rows, machines, given, new=True)

    def _tell(self, batch: Batch, said: NDArray[np.uint8], there: Marks) -> None:
        scene = self._scene
        told = there & ~is_in(said)
        if not told.any():
            return
        scene.counting.count("told", int(told.sum()), scene.second)
        again = batch.rows[there & (said == Said.AGAIN)]
        scene.counting.count("again", len(again))
        self._waiting.stand_by(again, _AGAIN_S)
        early = there & (said == Said.EARLY)
        if early.any():
            rows, at = batch.rows[early], batch.edges[early]
            self._waiting.stand(rows, scene.edges.machine(at), np.zeros(len(rows)))
