"""Rooms and acts for tests: a plain room, and hypothesis strategies for whatever people may ask."""

from __future__ import annotations

from hypothesis import strategies as st

from stentor.rooms import acts
from stentor.rooms.acts import Actor, AnyAct, Invite
from stentor.rooms.changes import create
from stentor.rooms.orders import Pin, Role
from stentor.rooms.record import Room

NOW_MS = 1_700_000_000_000
HOUR_MS = NOW_MS + 600_000

OPERATOR = acts.OPERATOR
HOST = Actor(Role.HOST, "host")
COHOST = Actor(Role.COHOST, "cohost")
SPEAKER = Actor(Role.SPEAKER, "ann")


def plain_room(epoch_ms: int = HOUR_MS, now_ms: int = NOW_MS) -> Room:
    """Return a room with a host, a co-host and two speakers."""
    people = (("host", Role.HOST), ("cohost", Role.COHOST), ("ann", Role.SPEAKER))
    people += (("bob", Role.SPEAKER),)
    seats = tuple(Invite(seat, role, seat.title(), epoch_ms + 1_000) for seat, role in people)
    room = create("town-hall", "Town hall", epoch_ms, True, seats, now_ms)
    assert isinstance(room, Room)
    return room


seat_ids = st.sampled_from(["host", "cohost", "ann", "bob", "nobody", "new1", "new2", ""])
texts = st.one_of(
    st.sampled_from(["A title", " x", "", "\u202eevil", "x" * 121, "x" * 61]), st.text(max_size=130)
)
urls = st.one_of(
    st.sampled_from(
        [
            "https://example.org/a?b=c#d",
            "http://[::1]:80/",
            "javascript:alert(1)",
            "https://",
            "//example.org",
            "https://user:secret@example.org/",
            "https://example.org/\n",
            "http://[",
            "data:text/html,x",
        ]
    ),
    st.text(max_size=40).map(lambda text: f"https://example.org/{text}"),
    st.text(max_size=40),
)
pins = st.builds(Pin, texts, urls)
roles = st.sampled_from(Role)
actors = st.sampled_from([OPERATOR, HOST, COHOST, SPEAKER, Actor(Role.SPEAKER, "bob")])
all_acts: st.SearchStrategy[AnyAct] = st.one_of(
    st.builds(acts.Rename, texts),
    st.builds(acts.Reschedule, st.integers(-1, 1 << 53)),
    st.builds(acts.Reschedule, st.integers(NOW_MS - 10_000, NOW_MS + 2_000_000)),
    st.builds(acts.List, st.booleans()),
    st.builds(acts.Hold, st.booleans()),
    st.builds(acts.Expect, st.integers(-1, 1 << 53)),
    st.just(acts.Start()),
    st.just(acts.End()),
    st.just(acts.Create()),
    st.builds(acts.Invite, seat_ids, roles, texts, st.integers(-1, 1 << 53)),
    st.builds(acts.Revoke, seat_ids),
    st.builds(acts.Mute, seat_ids),
    st.builds(acts.Unmute, seat_ids),
    st.builds(acts.Remove, seat_ids),
    st.builds(acts.Readmit, seat_ids),
    st.builds(acts.Ban, seat_ids),
    st.builds(acts.PinLink, texts, urls),
    st.builds(acts.Unpin, urls),
    st.builds(acts.SetPins, st.lists(pins, max_size=14).map(tuple)),
)
