"""What the audience is told of a room, in the stream and in the directory: one document.

The origin publishes it whenever it changes; edges hand out its bytes without reading more than
the directory needs; players read all of it.
"""

from enum import StrEnum

import msgspec

from stentor.base.decoding import decode_json
from stentor.rooms.orders import Phase, Pin, Role

EMSG_SCHEME = "urn:stentor:state:1"


class OnAir(StrEnum):
    """What the programme is made of just now."""

    NOTHING = "nothing"  # not live
    HOLD = "hold"  # the hold tune, before the first word
    SILENCE = "silence"  # nobody is on the stage, or the stage is away
    VOICES = "voices"


class Present(msgspec.Struct, frozen=True):
    """Someone on the stage."""

    seat: str
    name: str
    role: Role
    muted: bool = False
    speaking: bool = False
    away: bool = False  # dropped, within the grace time


class Witness(msgspec.Struct, frozen=True):
    """A signed head of the ledger (`evidence.chain.Head`), for whoever listens to keep."""

    ledger: str
    size: int
    root: str
    at_ms: int
    key: str
    sig: str


class RoomState(msgspec.Struct, frozen=True):
    """A room as its audience sees it. Times are Unix milliseconds."""

    room: str
    title: str
    phase: Phase
    epoch_ms: int
    sample_index: int = 0  # the programme clock when this was said
    end_samples: int | None = None  # the length of the whole programme, once ended
    on_air: OnAir = OnAir.NOTHING
    stage: tuple[Present, ...] = ()
    pinned: tuple[Pin, ...] = ()
    listed: bool = True
    recording: bool = True  # false: recording is behind or failing, the operator has been told
    revision: int = 0
    witness: Witness | None = None  # the newest when this was said; never news by itself


class StageState(msgspec.Struct, frozen=True):
    """Who is on a room's stage, as the stage tells the origin (and the studio)."""

    room: str
    present: tuple[Present, ...] = ()


def encode_state(state: RoomState | StageState) -> bytes:
    """Return the state as JSON."""
    return msgspec.json.encode(state)


def decode_room_state(data: bytes) -> RoomState:
    """Return a room state; raises `msgspec.MsgspecError` on anything else."""
    return decode_json(data, RoomState)


def decode_witness(data: bytes) -> Witness:
    """Return a head of the ledger; raises `msgspec.MsgspecError` on anything else."""
    return decode_json(data, Witness)


def decode_stage_state(data: bytes) -> StageState:
    """Return a stage state; raises `msgspec.MsgspecError` on anything else."""
    return decode_json(data, StageState)
