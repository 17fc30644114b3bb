"""Carries out what the ladder decides, once a second: lanes and bitrates of joiners, side features.

Reads what the edge's parts have measured and sets what they read. Decides nothing, and touches
nobody who listens.
"""

import time
from collections.abc import Callable
from typing import Protocol

from stentor.admission.ladder import Decision, Ladder
from stentor.admission.lanes import lane_for_period, period_s
from stentor.base.logs import log
from stentor.base.metrics import (
    EDGE_LADDER_STEP,
    EDGE_LANE_SECONDS,
    EDGE_LATE_SECONDS,
    EDGE_LINE_PER_MINUTE,
    EDGE_LINE_WAITING,
)
from stentor.base.settings import Settings
from stentor.edge.counts import Counts
from stentor.edge.door import Door
from stentor.edge.facts import FactsSender
from stentor.edge.knocks import Knocks
from stentor.edge.limits import Limits
from stentor.edge.load import LoadMeter
from stentor.edge.loop import Loop
from stentor.edge.memory import Memory
from stentor.edge.push import Push
from stentor.edge.web import Web
from stentor.rooms.audience import DoorFacts

_PAGE_S = 0.05


class SideFeature(Protocol):
    """Something that an edge can do without from the ladder's first step on.

    Playlists are not compressed then, no recording is begun to be read (503, come again in a
    minute), and the list of rooms is up to five seconds old.
    """

    shed: bool


class Steps:
    """The ladder of one edge, with all that feeds it and all that follows it."""

    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        *,
        loop: Loop,
        counts: Counts,
        web: Web,
        push: Push,
        door: Door,
        memory: Memory,
        facts: FactsSender,
        knocks: Knocks,
        side_features: tuple[SideFeature, ...],
    ) -> None:
        self._limits = limits
        self._loop = loop
        self._counts = counts
        self._web = web
        self._push = push
        self._door = door
        self._memory = memory
        self._facts = facts
        loop.every(_PAGE_S, lambda _now: facts.tick())
        self._side_features = side_features
        self._bits_max = settings.edge_megabits_max * 1e6
        self._ladder = Ladder(
            limits.fastest_parts,
            settings.edge_admissions_per_s_max,
            lane_for_period(settings.edge_lane_ms_max),
        )
        self.meter = LoadMeter(counts, knocks, cores=limits.cores, join_share=limits.join_share)
        self._at_ns = 0
        self.door_facts = DoorFacts()
        self.decision = Decision(fastest_parts=limits.fastest_parts)

    def measured(self, deliver: Callable[[], None]) -> Callable[[], None]:
        """Return the loop's first task so that what it costs is known."""
        counts, meter = self._counts, self.meter

        def first() -> None:
            before, cpu_ns = counts.deliveries, time.thread_time_ns()
            deliver()
            if counts.deliveries != before:
                meter.delivered(time.thread_time_ns() - cpu_ns)

        return first

    def second(self, now_ns: int) -> None:
        """Look, decide, and set what follows."""
        past_s = (now_ns - self._at_ns) / 1e9 if self._at_ns else 1.0
        self._at_ns = now_ns
        door, push, limits = self._door, self._push, self._limits
        listeners: dict[int, int] = {}
        for lane in push.lanes():
            listeners[lane.parts] = listeners.get(lane.parts, 0) + lane.listeners
        facts = self.meter.look(
            past_s,
            asked=door.asked,
            join_cpu_ns=self._loop.join_cpu_ns,
            late_ns=push.take_late_ns(),
            listeners=listeners,
            descriptors=self._web.open / limits.connections_max,
            descriptors_max=limits.connections_max,
            memory=self._memory.resident_bytes / limits.memory_bytes_max
            if limits.memory_bytes_max
            else 0.0,
            bits_max=self._bits_max,
            due_bits_per_s=push.due_bits_per_s() if self._bits_max else 0.0,
            waiting=door.sheet.waiting,
        )
        old, self.decision = self.decision, self._ladder.decide(facts, now_ns / 1e9)
        new = self.decision
        door.per_s, door.wants_line, door.pauses = new.per_s, new.line, new.pauses
        door.room, door.leaving_per_s = new.room, new.leaving_per_s
        push.present_parts = new.present_parts
        if _given(old) != _given(new):
            push.fastest_parts, push.lower_rendition = new.fastest_parts, new.lower_rendition
            for feature in self._side_features:
                feature.shed = new.shed
            log().info(
                "edge_step",
                step=new.step.name.lower(),
                lane_s=period_s(new.fastest_parts),
                listeners=push.listeners,
                late_ms=round(facts.late_s * 1000),
                joining=round(facts.joining, 2),
            )
        self._tell(facts.late_s)

    def _tell(self, late_s: float) -> None:
        sheet, decision = self._door.sheet, self.decision
        EDGE_LADDER_STEP.set(decision.step)
        EDGE_LANE_SECONDS.set(period_s(decision.fastest_parts))
        EDGE_LATE_SECONDS.set(late_s)
        EDGE_LINE_WAITING.set(sheet.waiting)
        EDGE_LINE_PER_MINUTE.set(sheet.per_minute if sheet.line else 0)
        self._facts.door = self.door_facts = DoorFacts(
            step=decision.step.name.lower(),
            lane_ms=round(period_s(decision.fastest_parts) * 1000),
            line=sheet.line,
            waiting=sheet.waiting,
            per_minute=sheet.per_minute if sheet.line else 0,
        )


def _given(decision: Decision) -> tuple[object, ...]:
    """Return what of a decision joiners notice."""
    return decision.step, decision.fastest_parts, decision.lower_rendition
