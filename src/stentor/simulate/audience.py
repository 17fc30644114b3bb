"""The people of a simulated evening, and the bots that do all that people do. Pure.

They look at the page, come when they come, are told their place and wait as our page does, lose
patience, and lose connections. Decides nothing at the door.
"""

import math
from dataclasses import replace

import numpy as np

from stentor.admission.line import poll_s
from stentor.admission.tickets import Kind
from stentor.shield.policy import Why
from stentor.simulate.attackers import Attack
from stentor.simulate.crowds import arrivals
from stentor.simulate.door import Answer
from stentor.simulate.events import EPOCH_MS, Fault, People
from stentor.simulate.knocking import Wish
from stentor.simulate.scene import HEAD_S, IDLE_S, Person, Scene
from stentor.simulate.world import Chance, Networks

_TRIES = 3  # at a page that is put off


class Audience:
    """Everybody who wants to hear."""

    def __init__(self, scene: Scene, networks: Networks, chance: Chance) -> None:
        """`chance` is for what people do as it goes on, not for who they are."""
        self._scene = scene
        self._event = scene.event
        self._outcome = scene.outcome
        self._networks = networks
        self._answers = chance
        self._buggy_s = math.inf  # from when on pages come again at once
        if scene.event.fault is Fault.RETRIES:
            self._buggy_s = scene.event.fault_s
        self._visits = Wish(self._sees_page, _goes_away, _goes_away)
        self._joins = Wish(self._seen, self._refused, self._refused)
        self._reads = Wish(self._begins_to_read, _goes_away, _goes_away)

    def gather(self, chance: Chance, who: People, *, human: bool = True) -> None:
        event = self._event
        n, inside = who.n, who.inside if human else 0
        at_s = arrivals(
            chance, who.shape, n, hour_s=event.hour_s, end_s=event.end_s, sharp_s=who.sharp_s
        )
        if event.fault is Fault.RETRIES and human:  # nobody keeps to the slot that they were given
            hasty = chance.random(n) < 0.8
            at_s = np.where(hasty, event.hour_s + chance.gamma(2.0, 0.8, n), at_s)
        elif human:
            chance.random(n), chance.gamma(2.0, 0.8, n)
        peers = self._networks.draw(n + inside)
        patience_s = chance.exponential(who.patience_s, n + inside) + 5
        stays_s = chance.exponential(who.stays_s, n + inside) + 10
        bounces = chance.random(n + inside) < who.bounces
        stays_s = np.where(bounces, 0.5 + 8 * chance.random(n + inside), stays_s)
        reminded = chance.random(n + inside) < who.reminded
        radio = chance.random(n + inside) < who.bad_radio
        visits = (chance.random(n) < who.visits).tolist()
        leads_s = (chance.exponential(8.0, n) + 0.5).tolist()
        people = map(
            Person,
            peers,
            [*at_s.tolist(), *[0.0] * inside],
            patience_s.tolist(),
            stays_s.tolist(),
            [human] * (n + inside),
            map(self._networks.is_shared, peers),
            reminded.tolist(),
            radio.tolist(),
        )
        scene = self._scene
        for i, person in enumerate(people):
            self._outcome.people.append(person)
            if i < n:
                scene.at(person.comes_s, self._ask, person)
                if visits[i]:
                    scene.at(max(0.2, person.comes_s - leads_s[i]), self._visit, person)
            else:
                self._is_inside(person, i)
        self._gather_around(chance, who)
        if who.rejoin:
            for i, person in enumerate(self._outcome.people[n:]):
                self._scene.at(event.hour_s + 0.1 + 1e-4 * i, self._lose, person)

    def _gather_around(self, chance: Chance, who: People) -> None:
        """Those who only look at the page, and those whose player is one of HLS."""
        event = self._event
        looking, shelf = round(who.n * who.lookers), round(who.n * event.noise.shelf)
        n = looking + shelf
        at_s = arrivals(
            chance, who.shape, n, hour_s=event.hour_s, end_s=event.end_s, sharp_s=who.sharp_s
        )
        peers = self._networks.draw(n)
        stays_s = (chance.exponential(who.stays_s, n) + 10).tolist()
        visits = (chance.random(n) < who.visits).tolist()
        leads_s = (chance.exponential(8.0, n) + 0.5).tolist()
        for i, comes_s in enumerate(at_s.tolist()):
            person = Person(peers[i], comes_s, 0.0, stays_s[i])
            if i < looking:
                self._scene.at(person.comes_s, self._visit, person)
                continue
            self._scene.at(person.comes_s, self._reload, person)
            if visits[i]:
                self._scene.at(max(0.2, person.comes_s - leads_s[i]), self._visit, person)

    def gather_mimics(self, chance: Chance, attack: Attack) -> None:
        """As many as `per_s` says, and otherwise people: of the same networks, with their manners.

        What they do not have is a past: no reminder, as nobody knew of them before.
        """
        who = self._event.people
        n = max(1, round(attack.per_s * attack.lasts_s))
        before = len(self._outcome.people)
        mimics = replace(who, n=n, inside=0, reminded=who.reminded * attack.known, rejoin=False)
        self.gather(chance, mimics, human=False)
        self._outcome.bots += len(self._outcome.people) - before

    def _is_inside(self, person: Person, i: int) -> None:
        person.edge = i % len(self._scene.edges)
        edge = self._scene.edges[person.edge]
        edge.held.take(person.peer)
        edge.connections += 1
        person.lane = edge.lane_for(self._event.people.inside / len(self._scene.edges))
        person.parts = person.lane
        edge.holds(person.parts, 1)
        person.who = next(self._scene.numbers)
        edge.begins_inside(person.who, person.peer)
        person.first_s = person.audio_s = 0.0
        edge.summary.asked(person.peer)
        edge.summary.visited(person.peer)

    def _visit(self, person: Person) -> None:
        self._tries_page(Person(person.peer, 0.0, 0.0, 0.0))

    def _tries_page(self, visit: Person) -> None:
        """Somebody's browser asks for the page; how often is their number of refusals."""
        visit.edge = self._scene.any_edge()
        edge = self._scene.edges[visit.edge]
        if not self._scene.is_banned(edge, visit.peer):
            self._scene.knock(visit, edge, self._visits)

    def _sees_page(self, visit: Person) -> str:
        edge, now_s = self._scene.edges[visit.edge], self._scene.now_s
        if edge.crush.on:
            again_s = 1 + float(self._answers.random()) * edge.puts_off(visit.peer, now_s)
            edge.goes(visit.peer)
            visit.refused += 1
            if visit.refused < _TRIES:
                self._scene.at(now_s + again_s, self._tries_page, visit)
            return "told"
        edge.looked(visit.peer)
        if self._answers.random() < self._event.people.rests:
            self._scene.at(now_s + IDLE_S, self._rested, visit)
        else:
            edge.goes(visit.peer)
        return "page"

    def _rested(self, person: Person) -> None:
        """A browser kept a connection that it did not need any more."""
        edge = self._scene.edges[person.edge]
        if edge.alive:
            edge.count("timed_out")
            edge.goes(person.peer)

    def _reload(self, person: Person) -> None:
        """A player of HLS begins; its later reloads are counted all together by the second."""
        person.edge = self._scene.any_edge()
        edge = self._scene.edges[person.edge]
        if not self._scene.is_banned(edge, person.peer):
            self._scene.knock(person, edge, self._reads)

    def _begins_to_read(self, person: Person) -> str:
        edge = self._scene.edges[person.edge]
        edge.count("requests")
        edge.count("reloads")
        self._scene.at(self._scene.now_s + person.stays_s, self._stops, person)
        return "page"

    def _stops(self, person: Person) -> None:
        edge = self._scene.edges[person.edge]
        if edge.alive:
            edge.goes(person.peer)

    def _ask(self, person: Person) -> None:
        now_s = self._scene.now_s
        if person.gone or person.parts:
            return
        if person.first_s < 0:
            person.first_s = now_s
            if person.reminded:
                person.ticket, person.place_ms = Kind.REMINDER, EPOCH_MS - 3_600_000
        elif now_s - person.first_s > person.patience_s:
            person.gone = True
            return
        person.comes_s = now_s
        self._outcome.asks += person.human
        if not self._is_buggy() or not self._scene.edges[person.edge].alive:
            person.edge = self._scene.any_edge()
        edge = self._scene.edges[person.edge]
        # A good ticket always passes.
        if person.ticket is None and self._scene.is_banned(edge, person.peer):
            person.banned += 1
            self._scene.at(now_s + 3 + 4 * float(self._answers.random()), self._ask, person)
            return
        if self._is_buggy():  # and does not wait for the answer before it asks again
            self._scene.at(now_s + 0.7 + 0.8 * float(self._answers.random()), self._ask, person)
        self._scene.knock(person, edge, self._joins)

    def _refused(self, person: Person) -> None:
        person.refused += 1
        if not self._is_buggy():
            wait_s = 1 + 2 * float(self._answers.random())
            self._scene.at(self._scene.now_s + wait_s, self._ask, person)

    def _vouch(self, person: Person) -> None:
        """The first look at a reminder is one whom somebody wanted here."""
        if person.ticket is Kind.REMINDER and not person.vouched:
            person.vouched = True
            self._scene.edges[person.edge].summary.vouched()

    def _time_out(self, person: Person) -> None:
        edge = self._scene.edges[person.edge]
        if edge.alive:
            edge.count("timed_out")
            edge.count("silent_closed")
            edge.summary.wrong(person.peer, Why.SILENT)
            edge.goes(person.peer)
        self._scene.at(self._scene.now_s + self._answers.random(), self._ask, person)

    def _seen(self, person: Person) -> str:
        """The edge has come to what somebody asked for."""
        edge, now_s = self._scene.edges[person.edge], self._scene.now_s
        if person.bad_radio and self._answers.random() < 0.5:
            self._scene.at(now_s + HEAD_S, self._time_out, person)
            return "accept"
        edge.count("requests")
        if person.ticket is Kind.REMINDER and person.told_s < 0 and person.audio_s < 0:
            person.told_s = now_s
            self._vouch(person)
        if person.parts:  # a buggy page, which is in already
            edge.summary.asked(person.peer, person.ticket)
            edge.goes(person.peer)
            return "join"
        if edge.crush.on and person.ticket is None:
            self._is_told_at_once(person)
            return "told"
        answer, place_ms = edge.asks(person.peer, now_s, person.ticket, person.place_ms)
        if answer is Answer.IN:
            since_s = now_s - 0.03  # of a handshake too: they are a connection when it is done
            person.who = next(self._scene.numbers)
            person.lane = edge.joins(person.who, person.peer, now_s, since_s, person.lane)
            person.parts = person.lane
            if person.audio_s < 0:
                person.audio_s = now_s
            self._scene.at(now_s + person.stays_s, self._leave, person)
            return "join"
        edge.count("answers_5xx")
        edge.goes(person.peer)
        self._is_told(person, answer, place_ms)
        return "place"

    def _is_told(self, person: Person, answer: Answer, place_ms: int) -> None:
        now_s = self._scene.now_s
        if answer is Answer.FULL:
            person.refused += 1
            self._scene.at(now_s + 5 + 5 * self._answers.random(), self._ask, person)
            return
        if answer is Answer.STANDBY:
            person.ticket, person.place_ms = Kind.STANDBY, place_ms
        elif person.ticket in (None, Kind.RETURN, Kind.SHARED):
            person.ticket, person.place_ms = Kind.LINE, place_ms
            person.told_s = now_s if person.told_s < 0 else person.told_s
        if self._is_buggy():
            return
        if answer is Answer.AGAIN:
            self._scene.at(now_s + 1 + 2 * self._answers.random(), self._ask, person)
        elif answer is Answer.STANDBY:
            self._stands_by(person)
        else:
            self._looks(person)

    def _is_told_at_once(self, person: Person) -> None:
        """Too many come: a place that all of this moment share, to be exchanged soon."""
        edge, now_s = self._scene.edges[person.edge], self._scene.now_s
        person.place_ms, spread_s = edge.tells_at_once(person.peer, now_s)
        person.ticket = Kind.SHARED
        person.told_s = now_s if person.told_s < 0 else person.told_s
        edge.count("answers_5xx")
        edge.goes(person.peer)
        if not self._is_buggy():
            again_s = 1 + spread_s * float(self._answers.random())
            self._scene.at(now_s + again_s, self._ask, person)

    def _is_buggy(self) -> bool:
        return self._scene.now_s >= self._buggy_s

    def _stands_by(self, person: Person) -> None:
        """Ask the door itself again, at the pace of any other wait (decision 30)."""
        now_s, line = self._scene.now_s, self._scene.line
        sheet, now_ms = line.sheet, EPOCH_MS + int(now_s * 1000)
        stand = sheet.stand_by(person.place_ms, now_ms, line.standby - sheet.standby.given)
        chance = float(self._answers.random())
        self._scene.at(now_s + poll_s(stand.wait_s, sheet.poll_s_min, chance), self._ask, person)

    def _looks(self, person: Person) -> None:
        now_s, sheet = self._scene.now_s, self._scene.line.sheet
        stand = sheet.stand(person.place_ms, EPOCH_MS + int(now_s * 1000))
        chance = float(self._answers.random())
        self._scene.at(
            self._scene.now_s + poll_s(stand.wait_s, sheet.poll_s_min, chance), self._look, person
        )

    def _look(self, person: Person) -> None:
        """Ask the door's notice whether it is one's turn."""
        now_s = self._scene.now_s
        if now_s - person.first_s > person.patience_s:
            person.gone = True
            return
        edge = self._scene.edges[self._scene.any_edge()]
        edge.works("notice", now_s)
        edge.count("requests")
        if self._scene.line.sheet.is_served(person.place_ms):
            late_s = self._answers.exponential(self._event.people.late_s)
            self._scene.at(now_s + 0.05 + float(late_s), self._ask, person)
        else:
            self._looks(person)

    def _leave(self, person: Person) -> None:
        edge = self._scene.edges[person.edge]
        if person.parts and edge.alive:
            edge.leaves(person.who, person.peer, person.parts, self._scene.now_s)
        person.parts, person.gone = 0, True

    def _lose(self, person: Person) -> None:
        """A connection breaks, for no fault of anybody here."""
        if person.parts:
            edge = self._scene.edges[person.edge]
            edge.leaves(person.who, person.peer, person.parts, self._scene.now_s)
            person.parts = 0
            self.returns(person)

    def returns(self, person: Person) -> None:
        person.ticket = Kind.RETURN
        again_s = self._scene.now_s + 0.2 + 4 * float(self._answers.random())
        person.first_s = again_s  # they have a buffer until then
        person.audio_s = -1.0
        self._scene.at(again_s, self._ask, person)


def _goes_away(person: Person) -> None:
    """Somebody who does not try again."""
