"""What the API takes and gives, as documents: the shapes only, and bounds that save work.

What a title, a name or an address may hold is decided by `stentor.rooms`, once.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from stentor.rooms.orders import Phase, Role
from stentor.rooms.record import (
    EXPECTED_MAX,
    NAME_CHARS_MAX,
    PINS_MAX,
    TITLE_CHARS_MAX,
    URL_CHARS_MAX,
)

Title = Annotated[str, Field(min_length=1, max_length=TITLE_CHARS_MAX)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARS_MAX)]
When = Annotated[
    str,
    Field(
        max_length=64,
        description="`now`, `+10m` (s, m, h, d), or ISO 8601 with zone: 2026-12-01T20:00Z",
    ),
]
TimeMs = Annotated[int, Field(ge=0, lt=1 << 53, description="Unix time in milliseconds")]
ExpectedListeners = Annotated[
    int, Field(ge=0, le=EXPECTED_MAX, description="Listeners at once; 0: not said")
]


class _Taken(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True)


class PinDocument(_Taken):
    """A link pinned in the room."""

    title: Title
    url: Annotated[str, Field(max_length=URL_CHARS_MAX, description="http:// or https://")]


class NewRoom(_Taken):
    """A room to be made; give `at` or `at_ms`."""

    title: Title
    at: When | None = None
    at_ms: TimeMs | None = None
    listed: bool = True
    expected: ExpectedListeners = 0
    speakers: Annotated[int, Field(ge=0, le=30)] = 2
    host_name: Name = "Host"
    cohost_name: Name = "Co-host"
    speaker_names: Annotated[list[Name], Field(max_length=30)] = []


class RoomChanges(_Taken):
    """What is to be different; all of it is done, or nothing."""

    title: Title | None = None
    at: When | None = None
    at_ms: TimeMs | None = None
    listed: bool | None = None
    expected: ExpectedListeners | None = None
    pinned: Annotated[list[PinDocument], Field(max_length=PINS_MAX)] | None = None


class NewLink(_Taken):
    """Someone to be invited."""

    role: Annotated[Role, Field(strict=False)]
    name: Name


class LinkDocument(_Given):
    """A seat and the link to it; `url` is null for who may not hand it out."""

    id: str
    role: Role
    name: str
    url: str | None
    expires_ms: int
    muted: bool
    removed: bool
    revoked: bool


class RoomDocument(_Given):
    """A room as hosts and operators see it."""

    room: str
    title: str
    phase: Phase
    epoch_ms: int
    end_ms: int | None
    created_ms: int
    listed: bool
    hold: bool
    expected: ExpectedListeners
    revision: int
    pinned: list[PinDocument]
    listen_url: str
    links: list[LinkDocument]


class RoomsDocument(_Given):
    """All rooms, the latest hour first."""

    rooms: list[RoomDocument]


class MeDocument(_Given):
    """Whose link it is and where it leads; for the operator, what belongs to a seat is null."""

    role: Role
    room: str | None = None
    title: str | None = None
    seat: str | None = None
    name: str | None = None
    phase: Phase | None = None
    epoch_ms: int | None = None
    end_ms: int | None = None
    expires_ms: int | None = None
    moderates: bool
    muted: bool = False
    removed: bool = False
    whip_url: str | None = None
    talk_url: str | None = None
    listen_url: str | None = None
    now_ms: int


class DoorDocument(_Given):
    """What the most crowded edge gives to joiners, and the line at its machine's door."""

    step: Annotated[str, Field(description="all, shed, slower, lower or line")]
    lane_ms: Annotated[int, Field(description="programme in one delivery of the fastest lane")]
    line: bool
    waiting: int
    per_minute: int


class AudienceDocument(_Given):
    """How many listen and how they fare, summed over the edges heard from within 3 s."""

    room: str
    at_ms: int
    edges: int
    listeners: int
    shelf_listeners: int
    waiting: int
    joined_total: int
    jumped_total: int
    lagging: int
    by_rendition: dict[str, int]
    by_lane_ms: Annotated[dict[str, int], Field(description="by the programme in one delivery")]
    door: DoorDocument


class PreflightItemDocument(_Given):
    """One thing that was looked at."""

    name: str
    word: Annotated[str, Field(description="yes, no or unknown")]
    weight: Annotated[str, Field(description="vital: anything but yes stops the event; or warning")]
    told: str
    do: Annotated[str, Field(description="what to do about it; empty if nothing")]


class ExpectedDocument(_Given):
    """What is coming."""

    listeners: int
    lasts_s: int


class PreflightDocument(_Given):
    """Whether the event can go ahead, and why not."""

    ready: bool
    sentence: str
    room: str
    at_ms: int
    expected: ExpectedDocument
    rehearsal: Annotated[str, Field(description="whose costs were used; empty: the code's own")]
    items: list[PreflightItemDocument]


class ActDocument(_Given):
    """One thing that was done to a room."""

    at_ms: int
    revision: int
    role: str
    seat: str | None
    act: dict[str, object]


class ActsDocument(_Given):
    """What was done to a room, oldest first."""

    acts: list[ActDocument]


class HealthDocument(_Given):
    """Control answers."""

    status: str
    rooms: int


class ProblemDocument(_Given):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
