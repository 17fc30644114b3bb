"""What a request asks for, by its shape alone. Pure: nothing here knows which rooms there are.

Media and documents take no query key that they do not know, so that a cache holds them once. Pages
do: whoever passes a link on may have hung something onto it.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from stentor.base.errors import Problem
from stentor.base.ids import is_room_id
from stentor.edge.request import Request, read_query
from stentor.media.renditions import DEFAULT_RENDITION, RENDITIONS, Codec

_NUMBER_DIGITS_MAX = 9
_NOT_FOUND = Problem(404, "not-found", "There is nothing at this address")


@dataclass(frozen=True, slots=True)
class Page:
    """A static file: `name` within the site's folder."""

    name: str
    room: str = ""


class Live(Enum):
    """Small documents made from what the edge knows now."""

    ROOMS = "rooms"
    HEALTH = "health"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class StateOf:
    """A room's state as JSON."""

    room: str


@dataclass(frozen=True, slots=True)
class DoorOf:
    """How the line at the door stands, or a place in it for who asks before the hour."""

    room: str
    reminder: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """The challenge of who wants to put a load on this deployment."""

    nonce: str


@dataclass(frozen=True, slots=True)
class Push:
    """The endless stream of a rendition.

    `also` may be given instead, `start` is the part to begin with (a move or a return), and
    `period_ms` the fastest lane that is wanted.
    """

    room: str
    rendition: str
    also: str = ""
    start: int | None = None
    period_ms: int = 0
    ticket: str = ""
    proof: str = ""  # of work, for this ticket (edge.proofs)


class Shape(Enum):
    """Which view of the programme a playlist gives."""

    LIVE = "live"
    DVR = "dvr"


@dataclass(frozen=True, slots=True)
class Master:
    """A multivariant playlist: one codec family, for who shows a ticket or has a pass already."""

    room: str
    codec: Codec
    shape: Shape
    ticket: str = ""
    proof: str = ""
    shown: str = ""  # the pass


@dataclass(frozen=True, slots=True)
class Playlist:
    """A media playlist; `msn` and `part` say what it must hold before it is sent."""

    room: str
    rendition: str
    shape: Shape
    msn: int | None = None
    part: int | None = None
    shown: str = ""  # the pass of who was let in


class Piece(Enum):
    """What media of the shelf are cut into."""

    INIT = "init"
    PART = "part"
    SEGMENT = "seg"


@dataclass(frozen=True, slots=True)
class Media:
    """One piece of media."""

    room: str
    rendition: str
    piece: Piece
    number: int = 0


@dataclass(frozen=True, slots=True)
class Whole:
    """The recording of a rendition, as one file."""

    room: str
    rendition: str


Intent = Page | Live | Consent | StateOf | DoorOf | Push | Master | Playlist | Media | Whole

_MASTERS = {
    "master": (Codec.AAC, Shape.LIVE),
    "opus": (Codec.OPUS, Shape.LIVE),
    "dvr": (Codec.AAC, Shape.DVR),
    "dvr-opus": (Codec.OPUS, Shape.DVR),
}
_PIECE = re.compile(rf"(part|seg)/(\d{{1,{_NUMBER_DIGITS_MAX}}})\.m4s\Z")
_PUSH_KEYS = frozenset(("rendition", "also", "ticket", "proof", "from", "period"))
_PUSHES_REMEMBERED = 1024  # a crowd asks for the same
_SITE_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}\Z")


def route(request: Request, *, on_metrics_port: bool = False) -> Intent:
    """Return what is asked for; raises `Problem` if nothing here ever looks like that."""
    if on_metrics_port:
        intent = Live.METRICS if request.path == "/metrics" else _fixed(request.path)
    elif request.path.startswith("/r/"):
        return _room_route(request)
    elif request.path == "/load-consent":
        _only(request, ("nonce",))
        return Consent(request.query.get("nonce", ""))
    else:
        intent = _fixed(request.path)
    if not isinstance(intent, Page):
        _only(request, ())
    return intent


def _fixed(path: str) -> Intent:
    match path:
        case "/":
            return Page("home.html")
        case "/rooms.json":
            return Live.ROOMS
        case "/healthz":
            return Live.HEALTH
        case "/favicon.ico" | "/favicon.svg":
            return Page("mark.svg")
    name = path.removeprefix("/site/")
    if name != path and _SITE_FILE.match(name):
        return Page(name)
    raise _NOT_FOUND


def _room_route(request: Request) -> Intent:
    room, _, rest = request.path.removeprefix("/r/").partition("/")
    if not is_room_id(room):
        raise Problem(404, "no-such-room", "There is no such room")
    if rest == "live.mp4":
        return _push(room, request.query_text)
    if rest.startswith("hls/"):
        return _shelf_route(request, room, rest.removeprefix("hls/"))
    if rest == "":
        return Page("room.html", room)
    _only(request, ())
    if rest == "state.json":
        return StateOf(room)
    if rest == "door.json":
        return DoorOf(room)
    if rest == "ticket.json":
        return DoorOf(room, reminder=True)
    if rest.startswith("recording/") and rest.endswith(".mp4"):
        return Whole(room, _known(rest.removeprefix("recording/").removesuffix(".mp4")))
    raise _NOT_FOUND


@lru_cache(_PUSHES_REMEMBERED)
def _push(room: str, query_text: str) -> Push:
    query = read_query(query_text)
    for key in query:
        if key not in _PUSH_KEYS:
            raise Problem(400, "unknown-query-key", f"This address takes no {key[:40]!r}")
    also = query.get("also")
    return Push(
        room,
        _known(query.get("rendition", DEFAULT_RENDITION)),
        "" if also is None else _known(also),
        _number(query.get("from")),
        _number(query.get("period")) or 0,
        query.get("ticket", ""),
        query.get("proof", ""),
    )


def _shelf_route(request: Request, room: str, rest: str) -> Intent:
    rendition, slash, name = rest.partition("/")
    query = request.query
    if not slash:
        _only(request, ("ticket", "proof", "pass"))
        codec_and_shape = _MASTERS.get(rest.removesuffix(".m3u8"))
        if codec_and_shape is None or not rest.endswith(".m3u8"):
            raise _NOT_FOUND
        shown = query.get("ticket", ""), query.get("proof", ""), query.get("pass", "")
        return Master(room, *codec_and_shape, *shown)
    _known(rendition)
    if name == "live.m3u8":
        _only(request, ("_HLS_msn", "_HLS_part", "pass"))
        msn = _number(query.get("_HLS_msn"))
        part = _number(query.get("_HLS_part"))
        if part is not None and msn is None:
            raise Problem(400, "bad-reload", "_HLS_part without _HLS_msn")
        return Playlist(room, rendition, Shape.LIVE, msn, part, query.get("pass", ""))
    if name == "dvr.m3u8":
        _only(request, ("pass",))
        return Playlist(room, rendition, Shape.DVR, shown=query.get("pass", ""))
    _only(request, ())
    if name == "init.mp4":
        return Media(room, rendition, Piece.INIT)
    match = _PIECE.match(name)
    if match is None:
        raise _NOT_FOUND
    return Media(room, rendition, Piece(match[1]), int(match[2]))


def _only(request: Request, known: tuple[str, ...]) -> None:
    for key in request.query:
        if key not in known:
            raise Problem(400, "unknown-query-key", f"This address takes no {key[:40]!r}")


def _known(rendition: str) -> str:
    if rendition not in RENDITIONS:
        names = ", ".join(RENDITIONS)
        raise Problem(404, "no-such-rendition", "There is no such rendition", f"There are {names}.")
    return rendition


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS_MAX):
        raise Problem(400, "not-a-number", "Not a number")
    return int(text)
