"""What an edge tells players in the stream about themselves, as `emsg` boxes. The same for all.

Both are advice to a player that it may ignore: nothing is ever done to a listener because of them.
"""

import msgspec

from stentor.media.boxes import emsg

RETURN_SCHEME = "urn:stentor:return:1"
ADVICE_SCHEME = "urn:stentor:advice:1"


class ReturnTicket(msgspec.Struct, frozen=True):
    """With this ticket a listener whose connection breaks comes back past the line."""

    ticket: str
    until_ms: int


class Advice(msgspec.Struct, frozen=True):
    """Come again on a new connection, `from` where this one stands, before leaving this one.

    `period_ms` is the lane to ask for: a slower one only once the buffer holds its target (the
    player stretches, at a rate of 0.97 or more, until it does). Come at a moment of one's own
    choice within `within_s`. `reason` is `load`, `room` (load has fallen) or `deploy`.
    """

    id: int
    period_ms: int
    within_s: float
    reason: str


def return_event(ticket: ReturnTicket, sample_index: int) -> bytes:
    """Return the box that carries a return ticket."""
    return emsg(RETURN_SCHEME, msgspec.json.encode(ticket), presentation_time=sample_index)


def advice_event(advice: Advice, sample_index: int) -> bytes:
    """Return the box that carries advice."""
    data = msgspec.json.encode(advice)
    return emsg(ADVICE_SCHEME, data, presentation_time=sample_index, id=advice.id)
