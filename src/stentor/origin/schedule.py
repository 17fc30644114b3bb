"""All rooms that an origin knows: who gets orders, who gets frames, and whose turn it is.

Synchronous, with time passed in and messages handed out, so that tests run it under virtual time.
A room in which something of ours fails is begun again from its files, as after a death; the others
don't notice.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from stentor.base.logs import log
from stentor.feed.wire import Message
from stentor.origin.house import House
from stentor.origin.room import Life, Room
from stentor.origin.taking_up import TakingUp
from stentor.rooms.orders import Orders, Phase

_STAGE_GONE_NS = 1_000_000_000  # a spare stage is there sooner: not worth telling
_NS_PER_S = 1_000_000_000
_ENDED_AT_ONCE = 8  # of the rooms that ended long ago, in one tick
_JUST_ENDED_MS = 10_000  # the stage may still have the end of such a room
_AGAIN_S_MAX = 64  # between attempts at a room that fails each time


_BUSY = (Life.ON_AIR, Life.TAKING_UP)


@dataclass(slots=True)
class _SetAside:
    """A room that failed: its orders, when to begin it again, and whether its files are free."""

    orders: Orders
    again_ns: int
    taking_up: TakingUp | None
    free: bool = False

    @property
    def is_free(self) -> bool:
        """Nobody is at its files any more."""
        return self.free and (self.taking_up is None or self.taking_up.done)

    def release(self) -> None:
        self.free = True


class Schedule:
    """The rooms of one origin."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.rooms: dict[str, Room] = {}
        self._stage_lost_ns: int | None = None
        self._set_aside: dict[str, _SetAside] = {}
        self._ended: dict[str, Orders] = {}  # still to be looked at
        self._failures: Counter[str] = Counter()
        self._now_ns = 0

    @property
    def live_rooms(self) -> list[Room]:
        """The rooms that are on the air."""
        return [room for room in self.rooms.values() if room.life is Life.ON_AIR]

    @property
    def is_taking_up(self) -> bool:
        """A room that should be on the air is not yet."""
        return any(
            room.life is Life.TAKING_UP and not room.is_past(self._now_ns)
            for room in self.rooms.values()
        )

    def apply(self, changed: Iterable[Orders], now_ns: int) -> None:
        """Take orders that are new or different: rooms on the air first, ended ones in time."""
        now_ms = now_ns // 1_000_000
        for orders in sorted(changed, key=lambda one: one.phase(now_ms) is not Phase.LIVE):
            room = self.rooms.get(orders.room)
            aside = self._set_aside.get(orders.room)
            if aside is not None:
                aside.orders = orders
            elif room is None and _ended_long_ago(orders, now_ms):
                self._ended[orders.room] = orders
            elif room is None:
                self._ended.pop(orders.room, None)
                self._begin(orders)
            else:
                self._guarded(room, partial(room.apply, orders))

    def take(self, message: Message) -> None:
        """Take a message of the stage."""
        room = self.rooms.get(message.room)
        if room is not None:
            self._guarded(room, partial(room.take, message))

    def find_stage(self) -> None:
        """The stage's feed is there."""
        self._stage_lost_ns = None

    def lose_stage(self, now_ns: int) -> None:
        """The stage's feed has ended; who was on it is away, unless it is back at once."""
        self._stage_lost_ns = now_ns

    def tick(self, now_ns: int) -> bool:
        """Give every room its turn; say whether one has more to do at once."""
        more = False
        self._now_ns = now_ns
        busy = [one for one in self.rooms.values() if one.life in _BUSY]
        live = len(busy)
        mending = any(one.life is Life.TAKING_UP or one.is_past(now_ns) for one in busy)
        lost_ns = self._stage_lost_ns
        stage_here = lost_ns is None or now_ns - lost_ns < _STAGE_GONE_NS
        for room in tuple(self.rooms.values()):
            was = room.life
            past = was is Life.WAITING and room.is_past(now_ns)
            may_start = live < self._house.settings.live_rooms_max and not (past and mending)
            try:
                more |= room.tick(now_ns, may_start=may_start, stage_here=stage_here)
            except Exception:
                self._put_aside(room)
            if was is not Life.WAITING:
                continue
            if room.life in _BUSY:
                live += 1
                mending |= past or room.life is Life.TAKING_UP
            elif not may_start and not past and now_ns >= room.epoch_ms * 1_000_000:
                log().error("room_refused_too_many_live", room=room.orders.room, live=live)
        self._begin_again()
        self._look_at_ended()
        self._share_memory()
        return more

    def _begin(self, orders: Orders) -> None:
        try:
            self.rooms[orders.room] = Room(self._house, orders)
        except Exception:
            log().exception("room_failed", room=orders.room)
            self._set_aside[orders.room] = _SetAside(
                orders, self._again_ns(orders.room), None, free=True
            )

    def _guarded(self, room: Room, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:
            self._put_aside(room)

    def _put_aside(self, room: Room) -> None:
        name = room.orders.room
        log().exception("room_failed", room=name)
        del self.rooms[name]
        aside = self._set_aside[name] = _SetAside(room.orders, self._again_ns(name), room.taking_up)
        if room.recorder is None:
            aside.release()
        else:
            room.recorder.close_when_written(aside.release)

    def _again_ns(self, room: str) -> int:
        self._failures[room] += 1
        wait_s = min(_AGAIN_S_MAX, 1 << min(self._failures[room] - 1, 10))
        return self._now_ns + wait_s * _NS_PER_S

    def _begin_again(self) -> None:
        for name, aside in tuple(self._set_aside.items()):
            if aside.is_free and self._now_ns >= aside.again_ns:
                del self._set_aside[name]
                self._house.retire(name)  # the feed gets the newest parts again, from the file
                self._begin(aside.orders)

    def _look_at_ended(self) -> None:
        if not self._ended or self.is_taking_up:
            return
        for name in list(self._ended)[:_ENDED_AT_ONCE]:
            self._begin(self._ended.pop(name))

    def _share_memory(self) -> None:
        """What may wait for the disk is one limit for all rooms together."""
        recorders = [room.recorder for room in self.rooms.values() if room.recorder is not None]
        for recorder in recorders:
            recorder.bytes_max = self._house.settings.recording_pending_bytes_max // len(recorders)


def _ended_long_ago(orders: Orders, now_ms: int) -> bool:
    return orders.end_ms is not None and now_ms - orders.end_ms > _JUST_ENDED_MS
