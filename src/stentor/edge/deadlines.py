"""The states of a connection, and which connections have been in one for too long.

Decides no limit and closes nothing; it only remembers since when, in order.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum
from typing import TYPE_CHECKING

from stentor.edge.limits import Limits

if TYPE_CHECKING:
    from stentor.edge.connection import Connection


class State(Enum):
    """Where a connection is; each has a time limit of its own."""

    HEAD = "head"  # a request has begun, or must
    RESTING = "resting"  # between requests
    WAITING = "waiting"  # for a part that is to come; whoever holds it limits that
    SENDING = "sending"  # an answer that the client takes slowly
    GONE = "gone"


class Deadlines:
    """Which connections run out of time. Each state's limit is constant, so order is arrival."""

    def __init__(self, limits_ns: dict[State, int]) -> None:
        self._limits_ns = limits_ns
        self._due: dict[State, OrderedDict[Connection, int]] = {
            state: OrderedDict() for state in limits_ns
        }

    def set(self, connection: Connection, old: State, new: State, now_ns: int) -> None:
        """Note that a connection went from one state to another (or made progress in one)."""
        if old in self._due:
            self._due[old].pop(connection, None)
        if new in self._due:
            self._due[new][connection] = now_ns + self._limits_ns[new]

    def at(self, state: State) -> list[Connection]:
        """Return those who are at a state now."""
        return list(self._due[state])

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
            State.HEAD: limits.head_ns,
            State.RESTING: limits.idle_ns,
            State.SENDING: limits.stalled_ns,
        }
    )
