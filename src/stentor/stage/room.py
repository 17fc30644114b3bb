"""One room's stage: who sits where, who is heard by whom, what the audience gets.

It obeys the room's orders at once, whatever a client does. Before the epoch it is a green room:
speakers hear each other and not one sample leaves this process.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stentor.audio.mix import Mixer
from stentor.base.logs import log
from stentor.codecs.opus import as_int16
from stentor.feed.wire import Kind, Message
from stentor.media.grid import FRAME_SAMPLES, sample_at
from stentor.rooms.orders import Orders, Phase, Seat
from stentor.rooms.state import Present, StageState, encode_state
from stentor.stage.session import Flood, Liveness, Session, return_encoder

Pcm = NDArray[np.float32]


@dataclass(slots=True)
class _Away:
    """A seat whose session is gone, and until when it is kept."""

    seat: Seat
    session_id: str
    until_ns: int


class StageRoom:
    """The stage of one room; `tick` is called every 20 ms."""

    def __init__(self, orders: Orders, grace_ns: int) -> None:
        self.orders = orders
        self.sessions: dict[str, Session] = {}  # by seat
        self._away: dict[str, _Away] = {}
        self._grace_ns = grace_ns
        self._mixer = Mixer()
        self._encoder = return_encoder()
        self._told: StageState | None = None
        self._was_live = False

    @property
    def deserted(self) -> bool:
        """Whether nobody is there, and nobody is expected back."""
        return not self.sessions and not self._away

    def obey(self, orders: Orders) -> list[Session]:
        """Take new orders; return the sessions that are out by them."""
        self.orders = orders
        out: list[Session] = []
        for seat_id, session in tuple(self.sessions.items()):
            seat = orders.seat(seat_id)
            if seat is None or seat.removed or seat.revoked:
                out.append(self.sessions.pop(seat_id))
            else:
                session.seat = seat
        for seat_id in tuple(self._away):
            seat = orders.seat(seat_id)
            if seat is None or seat.removed or seat.revoked:
                del self._away[seat_id]
        return out

    def enter(self, session: Session) -> Session | None:
        """Seat a session; return the one that it replaces."""
        self._away.pop(session.seat.id, None)
        replaced = self.sessions.pop(session.seat.id, None)
        self.sessions[session.seat.id] = session
        return replaced

    def leave(self, session: Session, up_ns: int, *, may_return: bool) -> None:
        """Empty a session's seat; it is kept for the grace time if they may return."""
        if self.sessions.get(session.seat.id) is not session:
            return
        del self.sessions[session.seat.id]
        until_ns = (session.heard_ns or up_ns) + self._grace_ns
        if may_return and session.heard_ns and until_ns > up_ns:
            self._away[session.seat.id] = _Away(session.seat, session.id, until_ns)

    def give_up(self, session_id: str) -> None:
        """Keep no seat any more for who left on purpose, but whose connection was gone before."""
        for seat_id, away in tuple(self._away.items()):
            if away.session_id == session_id:
                del self._away[seat_id]

    def sweep(self, up_ns: int) -> list[Session]:
        """Return the sessions that are dead, taken out; forget who did not return in time."""
        dead = [one for one in self.sessions.values() if one.liveness() is Liveness.DEAD]
        for session in dead:
            self.leave(session, up_ns, may_return=True)
        for seat_id in [seat for seat, away in self._away.items() if up_ns >= away.until_ns]:
            del self._away[seat_id]
        return dead

    def tick(self, now_ns: int, up_ns: int) -> Message | None:
        """Play, mix and send one frame; return what the audience gets, if anything.

        `now_ns` places the frame in the programme; `up_ns` tells who is still there.
        """
        if not self.sessions:
            return None
        voices: dict[str, Pcm] = {}
        on_stage = False
        for seat_id, session in self.sessions.items():
            session.up_ns = up_ns
            frame = self._frame(session)
            if frame is not None:
                voices[seat_id] = frame
            on_stage |= not session.seat.muted and session.liveness() is Liveness.ALIVE
        live = self.phase(now_ns) is Phase.LIVE
        if live and not self._was_live:
            self._mixer.begin()
        self._was_live = live
        full, without = self._mixer.mix(voices)
        self._send_returns(full, without)
        if not on_stage or not live:
            return None
        index = sample_at(self.orders.epoch_ms, now_ns) // FRAME_SAMPLES * FRAME_SAMPLES
        return Message(
            Kind.FRAME,
            self.orders.room,
            sequence=index // FRAME_SAMPLES,
            sample_index=index,
            payload=as_int16(full).tobytes(),
        )

    def phase(self, now_ns: int) -> Phase:
        """Return the room's phase."""
        return self.orders.phase(now_ns // 1_000_000)

    def news(self, now_ns: int) -> Message | None:
        """Return who is on the stage, if the room is live and that has changed."""
        if self.phase(now_ns) is Phase.SCHEDULED:
            return None
        present = self.present() if self.phase(now_ns) is Phase.LIVE else ()
        state = StageState(self.orders.room, present)
        if state == self._told:
            return None
        self._told = state
        return Message(Kind.STATE, self.orders.room, payload=encode_state(state))

    def present(self) -> tuple[Present, ...]:
        """Return who is on the stage, in the order of the seats."""
        found: list[Present] = []
        for seat in self.orders.seats:
            session = self.sessions.get(seat.id)
            liveness = session.liveness() if session is not None else None
            if session is not None and liveness in (Liveness.ALIVE, Liveness.AWAY):
                found.append(
                    Present(
                        seat.id,
                        seat.name,
                        seat.role,
                        muted=seat.muted,
                        speaking=session.voice.speaking and liveness is Liveness.ALIVE,
                        away=liveness is Liveness.AWAY,
                    )
                )
            elif seat.id in self._away:
                found.append(Present(seat.id, seat.name, seat.role, muted=seat.muted, away=True))
        return tuple(found)

    def _frame(self, session: Session) -> Pcm | None:
        """Return a session's frame. What one speaker sends must never cost the others theirs."""
        if session.failed:
            return None
        try:
            return session.frame()
        except Flood as flood:
            session.failed = True
            log().warning("session_floods", room=session.room, seat=session.seat.id, why=str(flood))
        except Exception:
            self._fail(session)
        return None

    def _send_returns(self, full: Pcm, without: dict[str, Pcm]) -> None:
        hearing = {
            seat_id: session
            for seat_id, session in self.sessions.items()
            if session.encoder is not None and not session.failed
        }
        shared = b"" if hearing.keys() <= without.keys() else self._encoder.encode(full)
        for seat_id, session in hearing.items():
            own = without.get(seat_id)
            try:
                session.peer.send(shared if own is None else session.encode(own))
            except Exception:
                self._fail(session)

    def _fail(self, session: Session) -> None:
        session.failed = True
        log().exception("session_failed", room=session.room, seat=session.seat.id)
