"""The pre-flight: whether an event can go ahead, and what stands in the way. Facts in, answer out.

What is not known counts as no where it is vital, and as a warning elsewhere. Looks at nothing
itself and never says yes for want of a fact.
"""

from stentor.rehearsal.capacity import (
    check_cpu,
    check_descriptors,
    check_disk,
    check_joins,
    check_memory,
    check_network,
)
from stentor.rehearsal.readiness import (
    Answer,
    ClockFacts,
    Expected,
    Facts,
    Item,
    PartFacts,
    PortFacts,
    RoomFacts,
    TlsFacts,
    Weight,
    Word,
)
from stentor.rehearsal.rehearsed import check_rehearsal, choose, costs_used
from stentor.rooms.orders import Phase, phase_at

LASTS_S_MAX = 7 * 86_400
CLOCK_ERROR_S_MAX = 0.5
TLS_MARGIN_MS = 3 * 86_400_000
_DAY_MS = 86_400_000
_VITAL_PARTS = ("control", "stage", "origin")


def decide(room: str, facts: Facts, expected: Expected) -> Answer:
    """Return the answer."""
    rehearsal = choose(facts, expected)
    calibration, source = costs_used(rehearsal, facts)
    end_ms = _end_ms(facts.room, facts.now_ms, expected)
    items = (
        _room(facts.room, facts.now_ms),
        _links(facts.room, end_ms),
        *(_part(one) for one in facts.parts),
        _edges_alive(facts),
        *(_port(one) for one in facts.ports),
        check_cpu(calibration, facts.edges, expected),
        check_joins(calibration, facts.edges, expected),
        check_network(calibration, facts.edges, facts.network, expected),
        check_descriptors(facts.edges, expected),
        check_memory(calibration, facts.edges, expected),
        check_disk(facts.disk, facts.edges, expected),
        _clock(facts.clock),
        _tls(facts.tls, end_ms),
        *check_rehearsal(rehearsal, facts, expected),
    )
    return Answer(
        ready=not any(one.stops for one in items),
        sentence=_sentence(items, expected),
        room=room,
        at_ms=facts.now_ms,
        expected=expected,
        rehearsal=source,
        items=items,
    )


def _sentence(items: tuple[Item, ...], expected: Expected) -> str:
    stops = [one.name for one in items if one.stops]
    warnings = [one.name for one in items if one.word is not Word.YES and not one.stops]
    also = f" Warnings: {', '.join(warnings)}." if warnings else ""
    if stops:
        return f"No: not ready for {expected.listeners:,} listeners: {', '.join(stops)}.{also}"
    return f"Yes: ready for {expected.listeners:,} listeners.{also}"


def _end_ms(room: RoomFacts | None, now_ms: int, expected: Expected) -> int:
    begins_ms = max(now_ms, room.epoch_ms) if room is not None else now_ms
    return begins_ms + expected.lasts_s * 1000


def _room(room: RoomFacts | None, now_ms: int) -> Item:
    if room is None:
        return Item(
            "room", Word.NO, Weight.VITAL, "There is no such room.",
            "See those there are: stentor room list.",
        )  # fmt: skip
    match phase_at(room.epoch_ms, room.end_ms, now_ms):
        case Phase.SCHEDULED:
            in_s = (room.epoch_ms - now_ms) // 1000
            return Item("room", Word.YES, Weight.VITAL, f"Its hour is in {_shown_s(in_s)}.")
        case Phase.LIVE:
            return Item(
                "room", Word.NO, Weight.VITAL, "It is on the air already.",
                "A pre-flight is for the time before the hour.",
            )  # fmt: skip
        case _:
            return Item(
                "room", Word.NO, Weight.VITAL, "It is over, or was called off.",
                "Make a new one: stentor room create.",
            )  # fmt: skip


def _links(room: RoomFacts | None, end_ms: int) -> Item:
    if room is None:
        return Item("links", Word.UNKNOWN, Weight.VITAL, "Without a room there are no links.")
    told = f"{room.host_links} for hosts, {room.speaker_links} for speakers"
    if room.host_links + room.speaker_links == 0:
        return Item(
            "links", Word.NO, Weight.VITAL, "Nobody has a link to the stage.",
            "Invite people: stentor room invite.",
        )  # fmt: skip
    if room.links_end_ms is not None and room.links_end_ms < end_ms:
        return Item(
            "links", Word.NO, Weight.VITAL,
            f"Links: {told}; the first ends before the event may be over.",
            "Invite those people again, or set STENTOR_LINK_VALID_S higher before you do.",
        )  # fmt: skip
    if room.host_links == 0:
        return Item(
            "links", Word.NO, Weight.WARNING, "There is no link for a host.",
            "Invite one: stentor room invite ROOM NAME --role host.",
        )  # fmt: skip
    return Item("links", Word.YES, Weight.VITAL, f"Links: {told}; none ends before the event.")


def _part(part: PartFacts) -> Item:
    weight = Weight.VITAL if part.name in _VITAL_PARTS else Weight.WARNING
    again = f" It was started {part.restarts} times again." if part.restarts else ""
    if part.answers is None:
        return Item(
            part.name, Word.UNKNOWN, weight, f"Whether the {part.name} works cannot be seen.",
            "Ask where it runs.",
        )  # fmt: skip
    if not part.answers:
        return Item(
            part.name, Word.NO, weight, f"The {part.name} does not answer.{again}",
            "The log of stentor serve says why.",
        )  # fmt: skip
    return Item(part.name, Word.YES, weight, f"The {part.name} answers.{again}")


def _edges_alive(facts: Facts) -> Item:
    edges = facts.edges
    told = f"{edges.telling} of {edges.wanted} edge processes told how they fare just now."
    if edges.telling >= edges.wanted:
        return Item("edges alive", Word.YES, Weight.VITAL, told)
    return Item(
        "edges alive", Word.NO, Weight.VITAL, told,
        "If they began just now, ask again; if not, the log of stentor serve says why.",
    )  # fmt: skip


def _port(port: PortFacts) -> Item:
    name = f"port for {port.who}"
    if port.reached is None:
        return Item(
            name, Word.UNKNOWN, Weight.WARNING,
            f"Whether {port.address} is reached cannot be seen from here.",
            "Open it from outside once.",
        )  # fmt: skip
    if not port.reached:
        return Item(
            name, Word.NO, Weight.VITAL, f"Nothing answers at {port.address}.",
            "See whether it is open, and whether what stands in front of it works.",
        )  # fmt: skip
    return Item(name, Word.YES, Weight.VITAL, f"{port.address} answers, seen from this machine.")


def _clock(clock: ClockFacts) -> Item:
    do = "Run chrony or another NTP client; STENTOR_CLOCK_VOUCHED if something else keeps it right."
    if clock.vouched:
        return Item("clock", Word.YES, Weight.VITAL, "The clock is kept right, the setting says.")
    if clock.synchronised is None:
        told = "Whether the clock is right, the kernel does not tell."
        return Item("clock", Word.UNKNOWN, Weight.VITAL, told, do)
    if not clock.synchronised:
        told = "Nothing keeps the clock right: the hour may come early or late."
        return Item("clock", Word.NO, Weight.VITAL, told, do)
    error_s = clock.error_s or 0.0
    if error_s > CLOCK_ERROR_S_MAX:
        told = f"The clock is kept right, but may be off by {error_s:.1f} s."
        return Item("clock", Word.NO, Weight.VITAL, told, do)
    return Item("clock", Word.YES, Weight.VITAL, f"The clock is right to {error_s * 1000:.0f} ms.")


def _tls(tls: TlsFacts, end_ms: int) -> Item:
    if tls.spoken_by == "nobody":
        return Item(
            "TLS", Word.NO, Weight.WARNING, "Listeners come without TLS.",
            "Give the edges a certificate (STENTOR_TLS_CERTIFICATE), or put a front before them.",
        )  # fmt: skip
    if tls.expires_ms is None:
        return Item(
            "TLS", Word.UNKNOWN, Weight.VITAL,
            f"When the certificate of the {tls.spoken_by} ends could not be read.",
            "See that the file, or the listeners' address, can be reached from this machine.",
        )  # fmt: skip
    left_ms = tls.expires_ms - end_ms
    if left_ms < TLS_MARGIN_MS:
        when = "before the event is over" if left_ms < 0 else "less than three days after it"
        return Item(
            "TLS", Word.NO, Weight.VITAL,
            f"The certificate of the {tls.spoken_by} ends {when}.", "Renew it.",
        )  # fmt: skip
    return Item(
        "TLS", Word.YES, Weight.VITAL,
        f"The certificate of the {tls.spoken_by} is good for {left_ms // _DAY_MS} days more.",
    )  # fmt: skip


def _shown_s(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7_200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} days"
