"""The stages of a connection, and which connections have been in one for too long.

Decides no limit and closes nothing; it only remembers since when, in order.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum
from typing import TYPE_CHECKING

from stentor.edge.limits import Limits

if TYPE_CHECKING:
    from stentor.edge.connection import Connection


class Stage(Enum):
    """Where a connection is; each has a time limit of its own."""

    HEAD = "head"  # a request has begun, or must
    RESTING = "resting"  # between requests
    WAITING = "waiting"  # for a part that is to come; whoever holds it limits that
    SENDING = "sending"  # an answer that the client takes slowly
    GONE = "gone"


class Deadlines:
    """Which connections run out of time. Each stage's limit is constant, so order is arrival."""

    def __init__(self, limits_ns: dict[Stage, int]) -> None:
        self._limits_ns = limits_ns
        self._due: dict[Stage, OrderedDict[Connection, int]] = {
            stage: OrderedDict() for stage in limits_ns
        }

    def set(self, connection: Connection, old: Stage, new: Stage, now_ns: int) -> None:
        """Note that a connection went from one stage to another (or made progress in one)."""
        if old in self._due:
            self._due[old].pop(connection, None)
        if new in self._due:
            self._due[new][connection] = now_ns + self._limits_ns[new]

    def at(self, stage: Stage) -> list[Connection]:
        """Return those who are at a stage now."""
        return list(self._due[stage])

    def expired(self, now_ns: int) -> list[Connection]:
        """Return those whose time is over."""
        found: list[Connection] = []
        for queue in self._due.values():
            for connection, due_ns in queue.items():
                if due_ns > now_ns:
                    break
                found.append(connection)
        return found


def deadlines_of(limits: Limits) -> Deadlines:
    """Return what watches over an edge's limits of time."""
    return Deadlines(
        {
            Stage.HEAD: limits.head_ns,
            Stage.RESTING: limits.idle_ns,
            Stage.SENDING: limits.stalled_ns,
        }
    )
