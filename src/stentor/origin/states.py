"""The document that a room's audience gets, put together from orders, stage and programme. Pure.

Never decides what phase a room is in; says how what is known is told, and what is worth telling.
"""

import msgspec

from stentor.rooms.orders import Orders, Phase
from stentor.rooms.state import OnAir, Present, RoomState, StageState


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
