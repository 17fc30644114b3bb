"""What an edge does to deliver a part, counted exactly: system calls and the interpreter's steps.

One edge in this thread, its listeners on socket pairs, time at a standstill: the same numbers on
every machine, however busy.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from stentor.base.clock import ManualClock
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.edge.edge import Edge
from stentor.feed.wire import Kind, Message
from stentor.media.grid import PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState, encode_state
from support.programme import init_of, part_of

_RENDITION = RENDITIONS["aac48"]
_OLD_PARTS = 12
_INIT = init_of(_RENDITION)


@dataclass(frozen=True, slots=True)
class Steps:
    """What one part's delivery took, in all rooms together."""

    sends: int  # system calls that send
    calls: int  # of anything written in C, those included
    opcodes: int


class _Counting:
    """Counts each bytecode that runs, and each call of something written in C."""

    def __init__(self) -> None:
        self.sends = self.calls = self.opcodes = 0

    def __enter__(self) -> _Counting:
        self._before = sys.gettrace(), sys.getprofile()
        gc.disable()  # what other tests left behind may have last words
        sys.setprofile(self._profile)
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_exception: object) -> None:
        sys.settrace(self._before[0])
        sys.setprofile(self._before[1])
        gc.enable()

    def _trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "opcode":
            self.opcodes += 1
        elif event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._trace

    def _profile(self, _frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            self.calls += 1
            self.sends += argument is os.write or argument is os.sendfile


def steps(folder: Path, rooms: int, listeners: int, lane_ms: int = 320) -> Steps:
    """Return what one delivery to so many listeners takes, spread evenly over so many rooms."""
    names = [f"room-{number}" for number in range(rooms)]
    settings = Settings(
        port=0, data=str(folder), edge_lane_ms_min=lane_ms, edge_lane_ms_max=lane_ms
    )
    clock = ManualClock()
    edge = Edge(settings, DataFolder(folder), clock, 0, now_ns=lambda: 1)
    sockets: list[socket.socket] = []
    try:
        live = [RoomState(name, name, Phase.LIVE, 0, revision=1) for name in names]
        edge.broadcast.apply(
            Message(Kind.INIT, name, _RENDITION.name, payload=_INIT) for name in names
        )
        edge.broadcast.apply(
            Message(Kind.STATE, one.room, payload=encode_state(one)) for one in live
        )
        for number in range(_OLD_PARTS):
            edge.broadcast.apply(_part(name, number) for name in names)
        for who in range(listeners):
            ours, theirs = socket.socketpair()
            sockets.append(ours)
            path = f"/r/{names[who % rooms]}/live.mp4?rendition={_RENDITION.name}"
            ours.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            theirs.setblocking(False)
            edge._public._let_in(theirs.detach(), b"\x7f\0\0\1", 1)
        assert edge.push.listeners == listeners
        parts = range(_OLD_PARTS, _OLD_PARTS + lane_ms // 320)
        messages = [[_part(name, number) for name in names] for number in parts]
        for one in sockets:
            while len(one.recv(1 << 20)) == 1 << 20:
                pass
        with _Counting() as counted:
            for each in messages:
                edge.broadcast.apply(each)
        assert edge.counts.deliveries == listeners
        return Steps(counted.sends, counted.calls, counted.opcodes)
    finally:
        for one in sockets:
            one.close()
        edge.close()


def _part(room: str, number: int) -> Message:
    data = part_of(_RENDITION, number)
    at = number, number * PART_SAMPLES
    return Message(Kind.PART, room, _RENDITION.name, *at, data)
