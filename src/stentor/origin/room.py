"""The life of one room at the origin: waiting, on the air, ended.

All of it follows from orders, clock and disk: an origin that starts in the middle of it comes to
the same place as one that was there all along. Never asks anyone anything; what it cannot do it
says in the room's state and in the log.
"""

from collections import deque
from enum import Enum, auto

import msgspec

from stentor.base.logs import log
from stentor.feed.wire import Kind, Message
from stentor.media.grid import PART_SAMPLES, SAMPLE_RATE, sample_at
from stentor.origin.hold import read_hold
from stentor.origin.house import House
from stentor.origin.past import find_past
from stentor.origin.programme import Programme, Step
from stentor.origin.recorder import RoomRecorder
from stentor.origin.states import StatePace, Worth, assemble_state
from stentor.origin.taking_up import TakingUp
from stentor.origin.timeline import Pcm, Timeline
from stentor.rooms.orders import Orders, Phase
from stentor.rooms.state import OnAir, RoomState, StageState, decode_stage_state, encode_state

WINDOW_PARTS = 96
_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_EARLY_FRAMES_MAX = 150  # what a stage retains: all of it may come before the first tick
_RETIRE_NS = 30 * _NS_PER_S
_LOOK_NS = _NS_PER_S  # how often a waiting room is looked at, but for its doors and its hour


class Life(Enum):
    """Where in its life a room is."""

    WAITING = auto()
    TAKING_UP = auto()  # its hour has come: what is recorded of it is looked at
    ON_AIR = auto()
    ENDED = auto()
    RETIRED = auto()  # ended, and its media are no longer on the feed


class Room:
    """One room. `tick` does everything that is due, in small steps."""

    def __init__(self, house: House, orders: Orders) -> None:
        self._house = house
        self.orders = orders
        self.life = Life.WAITING
        self.programme: Programme | None = None
        self.recorder: RoomRecorder | None = None
        self.taking_up: TakingUp | None = None
        self._epoch_ms: int | None  # once it is reached
        self._end_samples: int | None = None
        self._stage: StageState | None = None
        self._stage_here = True
        self._early_frames: deque[Message] = deque(maxlen=_EARLY_FRAMES_MAX)
        self._inits_out = False
        self._ended_ns = 0
        self._unlooked = True  # something came that may be news
        self._quiet_until_ns = 0
        self._past = find_past(house.folder, orders.room, tuple(house.silent))
        self._pace = StatePace(self._past.revision)
        self._epoch_ms = self._past.epoch_ms
        if self._past.end_samples is not None:
            self._end_samples = self._past.end_samples
            self.life = Life.RETIRED

    @property
    def epoch_ms(self) -> int:
        """When sample 0 is due; what orders say, until it has been reached."""
        return self.orders.epoch_ms if self._epoch_ms is None else self._epoch_ms

    @property
    def end_index(self) -> int:
        """How many samples the programme has at most; exactly, once its end is ordered."""
        limit = self._house.settings.room_duration_max_s * SAMPLE_RATE
        end_ms = self.orders.end_ms
        if end_ms is None:
            return limit
        return min(limit, max(0, sample_at(self.epoch_ms, end_ms * _NS_PER_MS)))

    @property
    def is_over(self) -> bool:
        """It has ended and everything is in the files."""
        ended = self.life in (Life.ENDED, Life.RETIRED)
        return ended and (self.recorder is None or self.recorder.settled)

    def is_past(self, now_ns: int) -> bool:
        """Its programme is over by the clock; there may be recordings to be mended."""
        epoch_ms = self.epoch_ms
        return now_ns >= epoch_ms * _NS_PER_MS and sample_at(epoch_ms, now_ns) >= self.end_index

    def behind_s(self, now_ns: int) -> float:
        """How far the programme is behind its clock."""
        if self.programme is None or self.life is not Life.ON_AIR:
            return 0.0
        return self.programme.overdue_samples(now_ns) / SAMPLE_RATE

    def apply(self, orders: Orders) -> None:
        """Take new orders."""
        self._unlooked = True
        if self._epoch_ms is not None and orders.epoch_ms != self._epoch_ms:
            log().error("epoch_moved_while_live", room=orders.room, kept_ms=self._epoch_ms)
        self.orders = orders
        if self.programme is not None:
            self.programme.timeline.set_end(self.end_index)
            if not self.programme.timeline.word_heard:
                self.programme.timeline.set_hold(self._load_hold())

    def take(self, message: Message) -> None:
        """Take what the stage says."""
        match message.kind:
            case Kind.FRAME:
                if self.programme is not None:
                    self.programme.timeline.take(message.sample_index, message.payload)
                else:
                    self._early_frames.append(message)  # the stage's clock strikes before ours
            case Kind.STATE:
                self._unlooked = True
                try:
                    self._stage = decode_stage_state(message.payload)
                except msgspec.MsgspecError:
                    log().error("stage_state_unreadable", room=message.room)

    def tick(self, now_ns: int, *, may_start: bool, stage_here: bool = True) -> bool:
        """Do what is due; say whether there is more to do at once."""
        if not self._unlooked and self._is_quiet(now_ns):
            return False  # most rooms, most of the time
        more = False
        self._stage_here = stage_here
        match self.life:
            case Life.WAITING:
                more = self._wait(now_ns, may_start=may_start)
            case Life.ON_AIR:
                more = self._go_on(now_ns)
            case Life.ENDED if now_ns - self._ended_ns >= _RETIRE_NS:
                self._house.retire(self.orders.room)
                self.life = Life.RETIRED
        if self.life is Life.TAKING_UP:
            if not self._begin(now_ns):
                return False
            more = True
        if self.recorder is not None:
            self.recorder.look(now_ns)
        if self.life is not Life.WAITING or not self.is_past(now_ns):
            self._tell(now_ns)
        if self.life is Life.WAITING:
            self._quiet_until_ns = self._next_look(now_ns)
        return more

    def _is_quiet(self, now_ns: int) -> bool:
        """Say whether nothing can be due. A clock that is set back is no reason to wait for it."""
        match self.life:
            case Life.WAITING:
                return self._quiet_until_ns - _LOOK_NS <= now_ns < self._quiet_until_ns
            case Life.RETIRED:
                return self.recorder is None
        return False

    def _next_look(self, now_ns: int) -> int:
        epoch_ns = self.epoch_ms * _NS_PER_MS
        doors_ns = epoch_ns - self._house.settings.doors_open_s * _NS_PER_S
        if now_ns >= epoch_ns:
            return now_ns
        return min(now_ns + _LOOK_NS, doors_ns if doors_ns > now_ns else epoch_ns)

    # -- the three places -----------------------------------------------------------------

    def _wait(self, now_ns: int, *, may_start: bool) -> bool:
        epoch_ns = self.epoch_ms * _NS_PER_MS
        if self.is_past(now_ns) and not self._past.was_recorded:
            # It was called off, or nobody was here while it should have run.
            self._end_samples = 0
            self.life = Life.RETIRED
        elif now_ns >= epoch_ns:
            if may_start:
                self._take_up()
        elif now_ns >= epoch_ns - self._house.settings.doors_open_s * _NS_PER_S:
            self._send_inits()
        return False

    def _send_inits(self) -> None:
        if self._inits_out:
            return
        self._inits_out = True
        for name, silent in self._house.silent.items():
            init = self.recorder.recordings[name].init if self.recorder else silent.init
            self._house.publish(Message(Kind.INIT, self.orders.room, name, 0, 0, init))

    def _take_up(self) -> None:
        self._epoch_ms = self.epoch_ms
        self.taking_up = TakingUp(self._house, self.orders.room, WINDOW_PARTS)
        self.life = Life.TAKING_UP
        self.taking_up.begin()

    def _begin(self, now_ns: int) -> bool:
        """Go on the air: at the hour, or where an earlier process left off; say if it is done."""
        assert self.taking_up is not None
        assert self._epoch_ms is not None
        if not self.taking_up.done:
            return False
        house, room = self._house, self.orders.room
        taken_up = self.taking_up.result()
        self.recorder = recorder = taken_up.recorder
        due = min(sample_at(self._epoch_ms, now_ns), self.end_index)
        missing_s = (due - recorder.parts * PART_SAMPLES) / SAMPLE_RATE
        if missing_s > house.settings.backfill_max_s:
            log().error("room_given_up", room=room, missing_s=round(missing_s))
            self._end_samples = recorder.parts * PART_SAMPLES
            self._enter_ended(now_ns)
            return True
        self._send_inits()
        for name, parts in taken_up.tails.items():
            for part in parts:
                index = part.number * PART_SAMPLES
                house.publish(Message(Kind.PART, room, name, part.number, index, part.data))
        self.programme = Programme(
            room, self._epoch_ms, self._timeline, recorder, house.silent, house.publish, now_ns
        )
        self.programme.timeline.set_end(self.end_index)
        while self._early_frames:
            self.take(self._early_frames.popleft())
        self.life = Life.ON_AIR
        log().info("room_on_air", room=room, from_part=recorder.parts)
        self.taking_up = None
        return True

    def _timeline(self, first_index: int) -> Timeline:
        return Timeline(
            first_index,
            hold_back_samples=self._house.settings.hold_back_ms * SAMPLE_RATE // 1000,
            hold=self._load_hold(),
            word_heard=self._past.word_heard,
        )

    def _load_hold(self) -> Pcm | None:
        if self._past.word_heard or not self.orders.hold:
            return None
        try:
            return read_hold(self._house.folder.hold(self.orders.room))
        except (OSError, ValueError) as error:
            log().error("hold_tune_unreadable", room=self.orders.room, reason=str(error))
            return None

    def _go_on(self, now_ns: int) -> bool:
        assert self.programme is not None
        step = self.programme.step(now_ns)
        if step is Step.ENDED:
            self._end_samples = self.programme.sample_index
            self._enter_ended(now_ns)
            self._tell(now_ns)  # before the end of the stream, so that listeners hear why
            self.programme.end()
            log().info("room_ended", room=self.orders.room, samples=self._end_samples)
        return step is Step.MORE

    def _enter_ended(self, now_ns: int) -> None:
        self.life = Life.ENDED
        self._ended_ns = now_ns

    # -- what is told ---------------------------------------------------------------------

    def _state(self) -> RoomState:
        phase = {Life.WAITING: Phase.SCHEDULED, Life.ON_AIR: Phase.LIVE}.get(self.life, Phase.ENDED)
        live = self.programme if phase is Phase.LIVE else None
        return assemble_state(
            self.orders,
            phase,
            self._stage,
            epoch_ms=self.epoch_ms,
            sample_index=live.sample_index if live else self._end_samples or 0,
            end_samples=self._end_samples,
            on_air=live.timeline.on_air if live else OnAir.NOTHING,
            recording=self.recorder is None or not self.recorder.behind,
            stage_here=self._stage_here,
        )

    def _tell(self, now_ns: int) -> None:
        worth, state = self._pace.decide(self._state(), now_ns, open_now=self._is_open(now_ns))
        self._unlooked = worth is Worth.LATER
        if worth not in (Worth.NEWS, Worth.HEARTBEAT):
            return
        if worth is Worth.NEWS and self.recorder is not None:
            self.recorder.note_state(state)
        state = msgspec.structs.replace(state, witness=self._house.witness(now_ns))
        self._house.publish(
            Message(Kind.STATE, self.orders.room, "", 0, state.sample_index, encode_state(state))
        )

    def _is_open(self, now_ns: int) -> bool:
        doors_ns = self._house.settings.doors_open_s * _NS_PER_S
        waiting = now_ns >= self.epoch_ms * _NS_PER_MS - doors_ns
        return self.life is Life.ON_AIR or (self.life is Life.WAITING and waiting)
