"""All stages of one process: rooms by their orders, sessions by their ids, one tick for all.

It decides who is let in, and does what orders say within 50 ms of their being written. It never
waits for anybody: the feed cuts off who does not read, peers are closed in tasks of their own.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from prometheus_client.core import Metric

from stentor.base.clock import Clock
from stentor.base.errors import Problem
from stentor.base.logs import log
from stentor.base.settings import Settings
from stentor.feed.wire import Kind, Message
from stentor.rooms.orders import Orders, Phase, Seat
from stentor.rooms.state import StageState, encode_state
from stentor.stage.addresses import add_public_addresses, parse_addresses
from stentor.stage.admission import decide_seat
from stentor.stage.datagrams import OnValidated
from stentor.stage.offer import read_offer
from stentor.stage.peer import Direction
from stentor.stage.room import StageRoom
from stentor.stage.session import Session
from stentor.stage.tally import Tally
from stentor.stage.ticker import Ticker
from stentor.store.orders import OrdersFolder

CONNECT_S_MAX = 15
DEAD_S = 30  # a session that nothing was heard of for so long is ended; the seat may be kept longer
_NS_PER_S = 1_000_000_000
TAKE_OVER = "*"  # as what to resume: whoever holds the seat, asked for by the link's holder
_ORDERS_TICKS = 2  # look for orders every 40 ms
_NEWS_TICKS = 5  # tell who is on the stage every 100 ms
_TIDY_TICKS = 50
_AFTERWARDS_NS = 5 * _NS_PER_S  # speakers stay together so long after the end
_RETAIN_NS = 30 * _NS_PER_S  # so long after it, an origin may still ask for the last frames


class Stage:
    """The rooms and speakers of this process."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        orders: OrdersFolder,
        key: bytes,
        publish: Callable[[Message], None],
        forget: Callable[[str], None],
        uptime_ns: Callable[[], int] = time.monotonic_ns,
        on_validated: OnValidated = lambda _address, _port: None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._orders_folder = orders
        self._key = key
        self._send = publish
        self._forget = forget
        self._published: set[str] = set()  # rooms that the feed's window holds something of
        self._uptime_ns = uptime_ns
        self._on_validated = on_validated
        self._public = parse_addresses("media_public_addresses", settings.media_public_addresses)
        self._rooms: dict[str, StageRoom] = {}
        self._orders: dict[str, Orders] = {}
        self._sessions: dict[str, Session] = {}
        self._joining: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.tally = Tally()
        self.ticker = Ticker(clock, self._tick)
        self._obey()
        self._clear_stages()

    def session(self, room: str, session_id: str) -> Session | None:
        """Return a session that exists now."""
        session = self._sessions.get(session_id)
        return session if session is not None and session.room == room else None

    def room(self, room: str) -> StageRoom | None:
        """Return a room with somebody on its stage."""
        return self._rooms.get(room)

    @property
    def sessions(self) -> list[Session]:
        """All sessions."""
        return list(self._sessions.values())

    @property
    def rooms(self) -> int:
        """How many rooms have somebody on the stage."""
        return len(self._rooms)

    async def join(
        self, room: str, token: str, body: bytes, direction: Direction, resume: str | None
    ) -> Session:
        """Let a speaker in; return the session, with the SDP answer. Raises `Problem`."""
        now_ns = self._clock.now_ns()
        seat = decide_seat(self._orders, room, token, self._key, now_ns // 1_000_000)
        offer = read_offer(body)
        place = (room, seat.id)
        self._require_room_for(room, seat.id, resume)
        self._joining.add(place)
        try:
            session = await self._negotiate(room, token, seat, offer, direction)
        finally:
            self._joining.discard(place)
        self._seat(session)
        log().info("speaker_entered", room=room, seat=seat.id, hears=direction.name)
        return session

    def end(self, room: str, session_id: str) -> None:
        """End a session at its owner's wish; does nothing if there is none.

        A browser that leaves closes its connection, too: that may be seen first.
        """
        session = self.session(room, session_id)
        if session is not None:
            self._rooms[room].leave(session, self._uptime_ns(), may_return=False)
            self._drop(session, "left")
        elif (stage := self._rooms.get(room)) is not None:
            stage.give_up(session_id)

    def packets(self) -> dict[str, int]:
        """Return what all sessions so far counted, by the names of `metrics.STAGE_PACKETS`."""
        return self.tally.packets(self.sessions)

    def collect(self) -> Iterator[Metric]:
        """Yield this stage's figures: it is a collector of Prometheus's."""
        return self.tally.collect(self.sessions, self.rooms, self.ticker.counts)

    async def run(self) -> None:
        """Tick until cancelled."""
        await self.ticker.run()

    async def close(self) -> None:
        """End every session."""
        self._rooms.clear()
        for session in self.sessions:
            self._drop(session, "closing")
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=1)

    async def _negotiate(
        self, room: str, token: str, seat: Seat, offer: str, direction: Direction
    ) -> Session:
        session = Session(
            id=secrets.token_urlsafe(18),
            room=room,
            seat=seat,
            direction=direction,
            created_ns=self._uptime_ns(),
            dead_after_ns=min(DEAD_S, self._settings.grace_s) * _NS_PER_S,
            connect_within_ns=CONNECT_S_MAX * _NS_PER_S,
            on_validated=self._on_validated,
        )
        try:
            session.answer = add_public_addresses(await session.peer.answer(offer), self._public)
            # What was true before may have changed while the answer was being made.
            now_ms = self._clock.now_ns() // 1_000_000
            session.seat = decide_seat(self._orders, room, token, self._key, now_ms)
        except BaseException:
            self._start(session.peer.close())
            raise
        return session

    def _require_room_for(self, room: str, seat_id: str, resume: str | None) -> None:
        stage = self._rooms.get(room)
        held = stage.sessions.get(seat_id) if stage is not None else None
        if (room, seat_id) in self._joining or (
            held is not None and resume not in (held.id, TAKE_OVER) and held.holds_seat()
        ):
            raise Problem(
                409, "seat-taken", "This link is already in use",
                "Close the other window, or wait two seconds.",
            )  # fmt: skip
        if held is not None:
            return
        seats = {(one.room, one.seat.id) for one in self._sessions.values()} | self._joining
        rooms = self._rooms.keys() | {name for name, _seat in seats}
        if sum(name == room for name, _seat in seats) >= self._settings.speakers_max:
            raise _full(f"This room has {self._settings.speakers_max} speakers.")
        if room not in rooms and len(rooms) >= self._settings.stage_rooms_max:
            raise _full("No other room can be opened here.")
        if len(seats) >= self._settings.stage_sessions_max:
            raise _full("No other speaker can be let in here.")

    def _seat(self, session: Session) -> None:
        stage = self._rooms.get(session.room)
        if stage is None:
            stage = StageRoom(self._orders[session.room], self._settings.grace_s * _NS_PER_S)
            self._rooms[session.room] = stage
        self._sessions[session.id] = session
        replaced = stage.enter(session)
        if replaced is not None:
            self._drop(replaced, "replaced")

    def _drop(self, session: Session, why: str) -> None:
        self._sessions.pop(session.id, None)
        session.gone = why
        self.tally.end(session)
        self._start(session.peer.close())
        log().info("speaker_gone", room=session.room, seat=session.seat.id, why=why)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _clear_stages(self) -> None:
        """Say that nobody is on any stage, whatever a stage that died had said."""
        now_ms = self._clock.now_ns() // 1_000_000
        for orders in self._orders.values():
            if orders.phase(now_ms) is Phase.LIVE:
                payload = encode_state(StageState(orders.room))
                self._publish(Message(Kind.STATE, orders.room, payload=payload))

    def _obey(self) -> None:
        try:
            changed = self._orders_folder.changes()
        except OSError as error:  # out of descriptors, perhaps: the conversations go on
            log().error("orders_unreadable", why=str(error))
            return
        for orders in changed:
            self._orders[orders.room] = orders
            stage = self._rooms.get(orders.room)
            if stage is not None:
                for session in stage.obey(orders):
                    self._drop(session, "removed")
        for name, why in self._orders_folder.unreadable.items():
            log().warning("orders_unreadable", file=name, why=why)

    def _tick(self, now_ns: int) -> None:
        number, up_ns = self.ticker.counts.ticks, self._uptime_ns()
        if number % _ORDERS_TICKS == 0:
            self._obey()
        for room in tuple(self._rooms):
            try:
                self._tick_room(room, now_ns, up_ns, news_due=number % _NEWS_TICKS == 0)
            except Exception:  # a fault in one room must never stop the others
                log().exception("room_failed", room=room)
        if number % _TIDY_TICKS == 0:
            self._tidy(now_ns)

    def _tick_room(self, room: str, now_ns: int, up_ns: int, *, news_due: bool) -> None:
        frame = self._rooms[room].tick(now_ns, up_ns)
        if frame is not None:
            self._publish(frame)
        if news_due:
            self._look_after(room, now_ns, up_ns)

    def _publish(self, message: Message) -> None:
        self._published.add(message.room)
        self._send(message)

    def _tidy(self, now_ns: int) -> None:
        """Let the feed forget rooms that nobody asks for any more, whoever is still there."""
        for room in tuple(self._published):
            end_ms = self._orders[room].end_ms
            if end_ms is not None and now_ns > end_ms * 1_000_000 + _RETAIN_NS:
                self._forget(room)
                self._published.discard(room)

    def _look_after(self, room: str, now_ns: int, up_ns: int) -> None:
        stage = self._rooms[room]
        for session in stage.sweep(up_ns):
            self._drop(session, "failed" if session.failed else "silent")
        end_ms = stage.orders.end_ms
        over = end_ms is not None and now_ns > end_ms * 1_000_000 + _AFTERWARDS_NS
        if over:
            for session in tuple(stage.sessions.values()):
                stage.leave(session, up_ns, may_return=False)
                self._drop(session, "ended")
        news = stage.news(now_ns)
        if news is not None:
            self._publish(news)
        if stage.deserted:
            del self._rooms[room]


def _full(detail: str) -> Problem:
    return Problem(503, "stage-full", "The stage is full", detail)
