"""What a late subscriber is sent: enough to start with, and no more than is bounded."""

from __future__ import annotations

from stentor.feed.window import Window
from stentor.feed.wire import Kind, Message


def part(number: int, room: str = "r", rendition: str = "aac48") -> Message:
    return Message(Kind.PART, room, rendition, number, number * 15_360, b"p")


def test_late_subscriber_gets_state_then_init_then_the_newest_parts() -> None:
    window = Window(parts_max=3)
    for number in range(10):
        window.keep(part(number))
    window.keep(Message(Kind.INIT, "r", "aac48", payload=b"i"))
    window.keep(Message(Kind.STATE, "r", payload=b"old"))
    window.keep(Message(Kind.STATE, "r", payload=b"new"))
    window.keep(Message(Kind.END, "r", "aac48", 10))
    replay = list(window.replay())
    assert [message.kind for message in replay] == [
        Kind.STATE, Kind.INIT, Kind.PART, Kind.PART, Kind.PART, Kind.END,
    ]  # fmt: skip
    assert replay[0].payload == b"new"
    assert [message.sequence for message in replay[2:5]] == [7, 8, 9]


def test_each_rendition_of_each_room_has_its_own_share() -> None:
    window = Window(parts_max=2)
    for room in ("a", "b"):
        for rendition in ("aac48", "opus24"):
            for number in range(5):
                window.keep(part(number, room, rendition))
    assert len(list(window.replay())) == 8


def test_retired_room_keeps_its_state_and_loses_its_media() -> None:
    window = Window(parts_max=2)
    for kind in (Kind.STATE, Kind.INIT, Kind.PART, Kind.END):
        window.keep(Message(kind, "r", "" if kind is Kind.STATE else "aac48"))
        window.keep(Message(kind, "other", "" if kind is Kind.STATE else "aac48"))
    window.retire("r")
    assert [m.kind for m in window.replay() if m.room == "r"] == [Kind.STATE]
    assert len([m for m in window.replay() if m.room == "other"]) == 4


def test_forgotten_room_leaves_nothing() -> None:
    window = Window(parts_max=2)
    for kind in (Kind.STATE, Kind.INIT, Kind.PART, Kind.END):
        window.keep(Message(kind, "r"))
    window.forget("r")
    assert list(window.replay()) == []
