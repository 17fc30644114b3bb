"""What is fuzzed, and what must hold for any bytes. Each target is a function of bytes.

A target may fail in the ways that its module's docstring names, and in no other; whatever else it
raises is a find. Where two readers read the same bytes, they must agree.
"""

import base64
from collections.abc import Callable

import msgspec

from stentor.admission.tickets import Refusal, Ticket, Tickets
from stentor.base.errors import Problem
from stentor.edge.proxy import read_proxy_header
from stentor.edge.request import HEAD_BYTES_MAX, take_request
from stentor.edge.routes import route
from stentor.load.reading import BrokenStream, read_chunks, read_head
from stentor.load.skim import skim
from stentor.media.boxes import BoxStream, MalformedBox, boxes, read_event
from stentor.media.merge import first_part, merge, unmerge
from stentor.rooms.state import decode_room_state

_TICKETS = Tickets(b"fuzz" * 8)
_BODY_BYTES, _MAC_BYTES = 32, 16


def request(data: bytes) -> None:
    """A head is read the same however much follows it, and asks for something or for nothing."""
    try:
        taken = take_request(data)
        if taken is None:
            assert len(data) < HEAD_BYTES_MAX
            return
        one, length = taken
        assert length <= min(len(data), HEAD_BYTES_MAX)
        assert take_request(data[:length]) == taken
        assert take_request(data[: length - 1]) is None
        for on_metrics_port in (False, True):
            route(one, on_metrics_port=on_metrics_port)
    except Problem:
        pass


def ticket(data: bytes) -> None:
    """Only what was signed is a ticket, and a ticket can be written in one way only."""
    if data[:1] == b"s":  # the MAC is right: what is behind it is fuzzed as well
        body = data[1 : 1 + _BODY_BYTES].ljust(_BODY_BYTES, b"\0")
        text = _signed(body)
        read = _TICKETS.check(text, "room", body[24:28], 1_764_000_000_000)
        assert isinstance(read, Ticket | Refusal)
        read = _TICKETS.read(text, "room")
        if isinstance(read, Ticket):
            assert _TICKETS.write(read, "room")[:37] == text[:37]  # but for the room's hint
        assert not isinstance(_TICKETS.read(text, "other"), Ticket)
        return
    read = _TICKETS.read(data.decode("latin-1"), "room")
    assert isinstance(read, Refusal)


def _signed(body: bytes) -> str:
    return base64.urlsafe_b64encode(body + _TICKETS._mac(body, "room")).decode()


def proxy(data: bytes) -> None:
    """A header is whole or not, whatever follows it, and has an address or none."""
    try:
        spoken = read_proxy_header(data)
        if spoken is None:
            return
        assert 0 < spoken.length <= len(data)
        assert spoken.peer is None or len(spoken.peer) in (4, 16)
        assert read_proxy_header(data[: spoken.length]) == spoken
        assert read_proxy_header(data[: spoken.length - 1]) is None
    except ValueError:
        pass


def stream(data: bytes) -> None:
    """Both readers of a push stream stop somewhere, and agree about where that is."""
    try:
        head = read_head(data)
        data = data[head.length :] if head is not None else data
    except BrokenStream:
        pass
    try:
        said = read_chunks(data)
    except BrokenStream:
        said = None
    try:
        skimmed = skim(data)
    except BrokenStream:
        skimmed = None
    if said is None or skimmed is None:
        return
    assert said.used == skimmed.used <= len(data)
    assert said.ended == skimmed.ended


def media(data: bytes) -> None:
    """Boxes are the same in one piece and in many; what comes apart goes together again."""
    whole = None
    try:
        whole = list(boxes(data))
        assert sum(one.size for one in whole) == len(data)
    except MalformedBox:
        pass
    if whole is not None:
        reader = BoxStream()
        pieces = [box for at in range(0, len(data), 7) for box in reader.feed(data[at : at + 7])]
        assert pieces == whole
        assert reader.pending_bytes == 0
    try:
        first_part(data)
        parts = unmerge(data)
        if len(parts) > 1:  # a single one is handed back as it is, whatever its number says
            assert unmerge(merge(parts)) == parts
    except MalformedBox:
        pass
    try:
        event = read_event(data)
        decode_room_state(event.data)
    except (MalformedBox, msgspec.MsgspecError):
        pass


TARGETS: dict[str, Callable[[bytes], None]] = {
    "request": request,
    "ticket": ticket,
    "proxy": proxy,
    "stream": stream,
    "media": media,
}
