"""The document that a room's audience gets, put together from orders, stage and programme. Pure.

Never decides what phase a room is in; says how what is known is told, and what is worth telling
when.
"""

from enum import Enum, auto

import msgspec

from stentor.rooms.orders import Orders, Phase
from stentor.rooms.state import OnAir, Present, RoomState, StageState

_HEARTBEAT_NS = 10_000_000_000
_NEWS_PAUSE_NS = 200_000_000  # who speaks changes fast; five times a second is enough


class Worth(Enum):
    """What a state is worth just now."""

    NEWS = auto()
    LATER = auto()  # news, but the last was told just now
    HEARTBEAT = auto()  # nothing new, and connections want to be kept alive
    NOTHING = auto()


def assemble_state(
    orders: Orders,
    phase: Phase,
    stage: StageState | None,
    *,
    epoch_ms: int,
    sample_index: int = 0,
    end_samples: int | None = None,
    on_air: OnAir = OnAir.NOTHING,
    recording: bool = True,
    stage_here: bool = True,
) -> RoomState:
    """Return the room's state, its revision still to be given.

    Who waits in the green room is nobody's business; who was on a stage that has gone is away.
    """
    present: tuple[Present, ...] = ()
    if phase is Phase.LIVE and stage is not None:
        present = stage.present
        if not stage_here:
            present = tuple(
                msgspec.structs.replace(one, speaking=False, away=True) for one in present
            )
    return RoomState(
        room=orders.room,
        title=orders.title,
        phase=phase,
        epoch_ms=epoch_ms,
        sample_index=sample_index,
        end_samples=end_samples,
        on_air=on_air,
        stage=present,
        pinned=orders.pinned,
        listed=orders.listed,
        recording=recording,
    )


def is_news(old: RoomState | None, new: RoomState) -> bool:
    """Say whether `new` tells more than that time went by."""
    if old is None:
        return True
    return msgspec.structs.replace(
        new, sample_index=old.sample_index, revision=old.revision
    ) != old  # fmt: skip


class StatePace:
    """When a room's states are told, and the revision that each gets."""

    def __init__(self, last_revision: int) -> None:
        self._revision = last_revision
        self._told: RoomState | None = None
        self._told_ns = 0

    def decide(self, new: RoomState, now_ns: int, *, open_now: bool) -> tuple[Worth, RoomState]:
        """Say what `new` is worth, and return it with its revision.

        Revisions grow over restarts, whatever was lost with an earlier process: they are
        milliseconds where they can be.
        """
        old, since_ns = self._told, now_ns - self._told_ns
        if is_news(old, new):
            if old is not None and old.phase is new.phase and since_ns < _NEWS_PAUSE_NS:
                return Worth.LATER, new
            self._revision = max(self._revision + 1, now_ns // 1_000_000)
            worth = Worth.NEWS
        elif open_now and since_ns >= _HEARTBEAT_NS:
            worth = Worth.HEARTBEAT
        else:
            return Worth.NOTHING, new
        new = msgspec.structs.replace(new, revision=self._revision)
        self._told, self._told_ns = new, now_ns
        return worth, new
