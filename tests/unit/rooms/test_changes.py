"""What comes of each act, and what is refused."""

from __future__ import annotations

import pytest

from stentor.rooms import acts
from stentor.rooms.acts import RULES, Actor, AnyAct, Refusal, RefusalKind
from stentor.rooms.changes import END_DELAY_MS, HOUR_FIXED_MS, START_DELAY_MS, apply, create
from stentor.rooms.orders import Phase, Pin, Role
from stentor.rooms.record import EXPECTED_MAX, PINS_MAX, SEATS_EVER_MAX, SEATS_MAX, Room
from support.rooms import COHOST, HOST, HOUR_MS, NOW_MS, OPERATOR, SPEAKER, plain_room


def done(room: Room, act: AnyAct, actor: Actor = OPERATOR, now_ms: int = NOW_MS) -> Room:
    changed = apply(room, act, actor, now_ms)
    assert isinstance(changed, Room), changed
    return changed


def refused(room: Room, act: AnyAct, actor: Actor = OPERATOR, now_ms: int = NOW_MS) -> RefusalKind:
    changed = apply(room, act, actor, now_ms)
    assert isinstance(changed, Refusal), changed
    assert changed.detail.endswith(".")
    return changed.kind


def test_every_act_is_in_the_state_table_but_create() -> None:
    assert set(RULES) == set(acts.Act.__subclasses__()) - {acts.Create}
    assert refused(plain_room(), acts.Create()) is RefusalKind.NOT_ALLOWED


def test_start_sets_the_hour_to_now_and_saying_it_twice_changes_nothing() -> None:
    live = done(plain_room(), acts.Start(), COHOST)
    assert live.epoch_ms == NOW_MS + START_DELAY_MS
    assert live.revision == 2
    assert done(live, acts.Start(), HOST, NOW_MS + 10) is live
    assert done(live, acts.Start(), HOST, NOW_MS + 10_000) is live


def test_start_right_before_the_hour_leaves_the_hour_to_itself() -> None:
    room = plain_room()
    assert done(room, acts.Start(), now_ms=HOUR_MS - HOUR_FIXED_MS) is room


def test_room_that_ended_does_not_start_again() -> None:
    ended = done(plain_room(), acts.End())
    assert ended.end_ms == NOW_MS + END_DELAY_MS
    assert refused(ended, acts.Start()) is RefusalKind.WRONG_PHASE
    assert refused(ended, acts.Start(), now_ms=HOUR_MS) is RefusalKind.WRONG_PHASE
    assert ended.phase(HOUR_MS) is Phase.ENDED


def test_the_first_end_that_was_said_stands() -> None:
    ending = done(plain_room(), acts.End(), HOST, HOUR_MS + 5_000)
    assert done(ending, acts.End(), HOST, HOUR_MS + 5_100) is ending
    assert done(ending, acts.End(), HOST, HOUR_MS + 9_000) is ending


def test_hour_moves_only_before_it_is_reached() -> None:
    room = plain_room()
    later = done(room, acts.Reschedule(HOUR_MS + 60_000), HOST)
    assert later.epoch_ms == HOUR_MS + 60_000
    assert done(room, acts.Reschedule(HOUR_MS), HOST) is room
    for now_ms in (HOUR_MS - HOUR_FIXED_MS, HOUR_MS - 1, HOUR_MS, HOUR_MS + 1):
        kind = refused(room, acts.Reschedule(HOUR_MS + 60_000), now_ms=now_ms)
        assert kind is RefusalKind.WRONG_PHASE
    assert refused(room, acts.Reschedule(NOW_MS - 1)) is RefusalKind.INVALID
    assert refused(room, acts.Reschedule(NOW_MS * 2)) is RefusalKind.INVALID
    assert refused(room, acts.Reschedule(HOUR_MS + 1), COHOST) is RefusalKind.NOT_ALLOWED


def test_links_stay_valid_as_long_after_the_hour_when_it_moves_later() -> None:
    later = done(plain_room(), acts.Reschedule(HOUR_MS + 60_000))
    assert {seat.expires_ms for seat in later.seats} == {HOUR_MS + 61_000}
    sooner = done(plain_room(), acts.Reschedule(HOUR_MS - 60_000))
    assert {seat.expires_ms for seat in sooner.seats} == {HOUR_MS + 1_000}


def test_second_host_is_refused_until_the_first_link_is_withdrawn() -> None:
    room = plain_room()
    again = acts.Invite("host2", Role.HOST, "Other", HOUR_MS)
    assert refused(room, again) is RefusalKind.SECOND_HOST
    room = done(room, acts.Revoke("host"))
    assert done(room, again).seat("host2") is not None


@pytest.mark.parametrize("actor", [HOST, COHOST, SPEAKER])
def test_nobody_invites_an_equal(actor: Actor) -> None:
    invite = acts.Invite("new", actor.role, "New", HOUR_MS)
    assert refused(plain_room(), invite, actor) is RefusalKind.NOT_ALLOWED
    assert refused(plain_room(), acts.Invite("new", Role.OPERATOR, "New", 0)) is not None


@pytest.mark.parametrize(
    "act", [acts.Mute, acts.Unmute, acts.Remove, acts.Readmit, acts.Ban, acts.Revoke]
)
def test_cohost_cannot_act_on_the_host_nor_speakers_on_anybody(act: type[acts.Mute]) -> None:
    room = plain_room()
    assert refused(room, act("host"), COHOST) is RefusalKind.NOT_ALLOWED
    assert refused(room, act("cohost"), COHOST) is RefusalKind.NOT_ALLOWED
    for seat in ("host", "cohost", "ann", "bob"):
        assert refused(room, act(seat), SPEAKER) is RefusalKind.NOT_ALLOWED
    assert refused(room, act("nobody"), OPERATOR) is RefusalKind.NO_SUCH_SEAT


def test_host_mutes_but_does_not_ban_the_own_seat() -> None:
    room = done(plain_room(), acts.Mute("host"), HOST)
    assert room.seat("host").muted  # type: ignore[union-attr]
    assert not done(room, acts.Unmute("host"), HOST).seat("host").muted  # type: ignore[union-attr]
    for act in (acts.Ban("host"), acts.Remove("host"), acts.Revoke("host")):
        assert refused(room, act, HOST) is RefusalKind.NOT_ALLOWED


def test_muting_the_muted_returns_the_same_record() -> None:
    muted = done(plain_room(), acts.Mute("ann"), COHOST)
    assert muted.revision == 2
    assert done(muted, acts.Mute("ann"), HOST) is muted
    assert done(muted, acts.Readmit("ann"), HOST) is muted


def test_banned_seat_is_out_for_good() -> None:
    room = done(plain_room(), acts.Ban("ann"), COHOST)
    seat = room.orders().seat("ann")
    assert seat is not None
    assert seat.revoked
    assert seat.removed
    for act in (acts.Readmit("ann"), acts.Unmute("ann"), acts.Mute("ann")):
        assert refused(room, act) is RefusalKind.SEAT_GONE
    assert done(room, acts.Ban("ann")) is room


def test_removed_seat_may_be_let_back_in() -> None:
    room = done(plain_room(), acts.Remove("ann"), COHOST)
    assert room.orders().seat("ann").removed  # type: ignore[union-attr]
    room = done(room, acts.Readmit("ann"), COHOST)
    assert not room.orders().seat("ann").removed  # type: ignore[union-attr]


def test_seats_are_bounded_now_and_for_ever() -> None:
    room = plain_room()
    for number in range(len(room.seats), SEATS_MAX):
        room = done(room, acts.Invite(f"s{number}", Role.SPEAKER, "Speaker", HOUR_MS))
    over = acts.Invite("over", Role.SPEAKER, "Speaker", HOUR_MS)
    assert refused(room, over) is RefusalKind.FULL
    for number in range(SEATS_MAX, SEATS_EVER_MAX):
        room = done(room, acts.Revoke(room.seats[-1].id))
        room = done(room, acts.Invite(f"s{number}", Role.SPEAKER, "Speaker", HOUR_MS))
    room = done(room, acts.Revoke(room.seats[-1].id))
    assert refused(room, over) is RefusalKind.FULL


def test_pins_are_bounded_and_the_same_address_replaces_its_title() -> None:
    room = plain_room()
    for number in range(PINS_MAX):
        room = done(room, acts.PinLink("Title", f"https://example.org/{number}"), COHOST)
    assert refused(room, acts.PinLink("One more", "https://example.org/x")) is RefusalKind.FULL
    room = done(room, acts.PinLink("New title", "https://example.org/0"))
    assert len(room.pinned) == PINS_MAX
    assert room.pinned[-1] == Pin("New title", "https://example.org/0")
    room = done(room, acts.Unpin("https://example.org/0"))
    assert refused(room, acts.Unpin("https://example.org/0")) is RefusalKind.NO_SUCH_PIN
    twice = (Pin("A", "https://example.org/a"), Pin("B", "https://example.org/a"))
    assert refused(room, acts.SetPins(twice)) is RefusalKind.INVALID


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/",
        "//example.org/",
        "https://",
        "https://:80/",
        "https://example.org:99999/",
        "https://user:secret@example.org/",
        "https://example.org/ x",
        'https://example.org/"onclick="x',
        "https://example.org/\r\nX: y",
        "https://exämple.org/",
        "http://[",
        "https://example.org/" + "x" * 2_000,
    ],
)
def test_only_plain_web_addresses_are_pinned(url: str) -> None:
    assert refused(plain_room(), acts.PinLink("Title", url)) is RefusalKind.INVALID


@pytest.mark.parametrize(
    "title",
    ["", " ", " x", "x\n", "a\x00b", "a\nb", "\ud800", "\u202ereversed", "\u200b", "x" * 121],
)
def test_titles_are_one_line_that_people_can_read(title: str) -> None:
    assert refused(plain_room(), acts.Rename(title)) is RefusalKind.INVALID
    made = create("r", title, HOUR_MS, True, (), NOW_MS)
    assert isinstance(made, Refusal)
    invite = acts.Invite("new", Role.SPEAKER, title, HOUR_MS)
    assert refused(plain_room(), invite) is RefusalKind.INVALID


def test_titles_in_any_script_are_taken() -> None:
    for title in ("Ενημέρωση", "記者会見", "مؤتمر صحفي", "Fragestunde: 5 € – „ja“ 👋🏽"):
        assert done(plain_room(), acts.Rename(title)).title == title


def test_room_in_the_past_is_not_made() -> None:
    made = create("r", "Title", NOW_MS - 1, True, (), NOW_MS)
    assert isinstance(made, Refusal)
    assert made.kind is RefusalKind.INVALID


def test_hold_tune_comes_before_the_hour() -> None:
    room = done(plain_room(), acts.Hold(True), HOST)
    assert room.orders().hold
    assert done(room, acts.Hold(True), HOST).revision == room.revision + 1
    assert refused(room, acts.Hold(True), HOST, HOUR_MS) is RefusalKind.WRONG_PHASE


def test_title_and_pins_of_a_replay_may_still_change() -> None:
    ended = done(plain_room(), acts.End(), now_ms=HOUR_MS + 1)
    later_ms = HOUR_MS + 10_000
    assert done(ended, acts.Rename("Replay"), COHOST, later_ms).title == "Replay"
    assert refused(ended, acts.Mute("ann"), now_ms=later_ms) is RefusalKind.WRONG_PHASE


def test_how_many_are_expected_is_said_until_the_end_and_not_beyond_reason() -> None:
    room = done(plain_room(), acts.Expect(50_000), COHOST)
    assert room.expected == room.orders().expected == 50_000
    assert done(room, acts.Expect(50_000), COHOST) is room
    for count in (-1, EXPECTED_MAX + 1):
        assert refused(room, acts.Expect(count)) is RefusalKind.INVALID
    assert create("a", "A", HOUR_MS, True, (), NOW_MS, -1) == Refusal(
        RefusalKind.INVALID, "From 0 to 1,000,000,000 listeners may be expected."
    )
