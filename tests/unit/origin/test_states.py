"""What the audience is told, and what of it is news."""

from __future__ import annotations

import msgspec

from stentor.origin.states import StatePace, Worth, assemble_state, is_news
from stentor.rooms.orders import Orders, Phase, Pin, Role
from stentor.rooms.state import OnAir, Present, StageState

ORDERS = Orders("r", 3, "Title", 5_000, pinned=(Pin("a", "https://a.example/"),), listed=False)
ADA = Present("s", "Ada", Role.HOST, speaking=True)


def test_a_state_takes_title_and_pins_from_orders_and_people_from_the_stage() -> None:
    state = assemble_state(
        ORDERS, Phase.LIVE, StageState("r", (ADA,)), epoch_ms=5_000, on_air=OnAir.VOICES
    )
    assert (state.title, state.pinned, state.listed) == ("Title", ORDERS.pinned, False)
    assert state.stage == (ADA,)


def test_nobody_is_shown_before_and_after_a_programme() -> None:
    for phase in (Phase.SCHEDULED, Phase.ENDED):
        assert assemble_state(ORDERS, phase, StageState("r", (ADA,)), epoch_ms=0).stage == ()


def test_everyone_is_away_and_silent_when_the_stage_is_not_here() -> None:
    state = assemble_state(
        ORDERS, Phase.LIVE, StageState("r", (ADA,)), epoch_ms=0, stage_here=False
    )
    assert (state.stage[0].away, state.stage[0].speaking) == (True, False)


def test_time_going_by_is_no_news_and_everything_else_is() -> None:
    state = assemble_state(ORDERS, Phase.LIVE, None, epoch_ms=0)
    assert is_news(None, state)
    assert not is_news(state, msgspec.structs.replace(state, sample_index=99, revision=4))
    assert is_news(state, msgspec.structs.replace(state, recording=False))
    assert is_news(state, msgspec.structs.replace(state, on_air=OnAir.HOLD))


def test_news_is_told_at_once_then_at_a_bounded_pace_and_revisions_grow() -> None:
    pace = StatePace(last_revision=5_000)
    state = assemble_state(ORDERS, Phase.LIVE, None, epoch_ms=0)
    worth, told = pace.decide(state, 1_000_000, open_now=True)
    assert (worth, told.revision) == (Worth.NEWS, 5_001)
    other = msgspec.structs.replace(state, on_air=OnAir.HOLD)
    assert pace.decide(other, 100_000_000, open_now=True)[0] is Worth.LATER
    assert pace.decide(state, 150_000_000, open_now=True)[0] is Worth.NOTHING
    worth, told = pace.decide(other, 10**16, open_now=True)
    assert (worth, told.revision) == (Worth.NEWS, 10**10)


def test_an_ended_phase_does_not_wait_for_the_pace() -> None:
    pace = StatePace(0)
    state = assemble_state(ORDERS, Phase.LIVE, None, epoch_ms=0)
    pace.decide(state, 10**9, open_now=True)
    ended = msgspec.structs.replace(state, phase=Phase.ENDED)
    assert pace.decide(ended, 10**9 + 1, open_now=False)[0] is Worth.NEWS


def test_heartbeats_come_while_a_room_is_open_and_not_after() -> None:
    pace = StatePace(0)
    state = assemble_state(ORDERS, Phase.SCHEDULED, None, epoch_ms=0)
    _, told = pace.decide(state, 10**9, open_now=True)
    assert pace.decide(state, 10 * 10**9, open_now=True)[0] is Worth.NOTHING
    worth, again = pace.decide(state, 11 * 10**9, open_now=True)
    assert (worth, again.revision) == (Worth.HEARTBEAT, told.revision)
    assert pace.decide(state, 99 * 10**9, open_now=False)[0] is Worth.NOTHING
