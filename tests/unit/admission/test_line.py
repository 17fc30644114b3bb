"""What a sheet tells of the line, and how one step changes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stentor.admission.line import (
    BUCKET_MS,
    KNOTS_MAX,
    WAIT_S_MAX,
    Sheet,
    Totals,
    poll_s,
    step,
)

NOW = 1_800_000_000_000


def begun(counts: list[int], per_s: float = 10.0, shift_ms: int = 0) -> Sheet:
    """A line that began at NOW; its places lie in the buckets from there."""
    closed = Sheet(at_ms=NOW, serving_ms=NOW + shift_ms, shift_ms=shift_ms)
    return step(closed, counts, Totals(), wanted=True, per_s=per_s, now_ms=NOW)


def test_nobody_waits_where_nobody_wants_a_line() -> None:
    sheet = step(Sheet(), [], Totals(), wanted=False, per_s=10, now_ms=NOW)
    assert not sheet.line
    assert sheet.is_served(NOW + 10_000)


def test_line_serves_as_many_as_may_be_let_in() -> None:
    sheet = begun([])
    counts = [0, 100, 100]
    sheet = step(sheet, counts, Totals(200), wanted=True, per_s=40, now_ms=NOW + 300)
    assert round(sheet.served) == 12
    assert NOW + 100 < sheet.serving_ms < NOW + 200
    assert sheet.waiting == 188


def test_wait_is_those_ahead_by_the_rate() -> None:
    sheet = begun([])
    sheet = step(sheet, [50, 100, 50], Totals(200), wanted=True, per_s=20, now_ms=NOW + 300)
    assert round(sheet.served) == 6
    middle = sheet.stand(NOW + 150, NOW + 300)
    assert 95 <= middle.number <= 105
    assert abs(middle.wait_s - (100 - 6) / 20) < 0.4
    assert abs(sheet.stand(NOW + 150, NOW + 1_300).wait_s - (middle.wait_s - 1)) < 0.01


def test_line_that_does_not_move_says_an_hour() -> None:
    sheet = begun([], per_s=0)
    sheet = step(sheet, [50], Totals(50), wanted=True, per_s=0, now_ms=NOW + 300)
    assert sheet.stand(NOW + 90, NOW + 300).wait_s == WAIT_S_MAX


def full(counts: list[int], *, room: int, leaving_per_s: float) -> Sheet:
    return step(
        begun([], per_s=50),
        counts,
        Totals(sum(counts)),
        wanted=True,
        per_s=50,
        now_ms=NOW + 300,
        room=room,
        leaving_per_s=leaving_per_s,
    )


def test_who_fits_waits_by_the_pace_and_who_does_not_until_others_leave() -> None:
    sheet = full([100, 100, 100], room=100, leaving_per_s=2)
    assert round(sheet.served) == 15
    assert abs(sheet.stand(NOW + 95, NOW + 300).wait_s - (95 - 15) / 50) < 0.4
    # 285 who wait, of whom 100 less the 15 who are on their way fit.
    assert abs(sheet.stand(NOW + 299, NOW + 300).wait_s - (285 - 85) / 2) < 4
    assert abs(sheet.last_per_s - 2) < 0.01


def test_who_does_not_fit_is_promised_nothing_while_nobody_leaves() -> None:
    sheet = full([100, 100, 100], room=100, leaving_per_s=0)
    assert sheet.stand(NOW + 50, NOW + 300).wait_s < 3
    assert sheet.stand(NOW + 250, NOW + 300).wait_s == WAIT_S_MAX
    alone = full([0, 0, 1], room=0, leaving_per_s=0)
    assert alone.stand(NOW + 250, NOW + 300).wait_s == WAIT_S_MAX


def test_no_more_are_served_than_fit() -> None:
    sheet = begun([], per_s=50)
    for tick in range(1, 40):
        counts = [0] * (sheet.serving_ms // BUCKET_MS - NOW // BUCKET_MS)
        counts = [100, 100, 100][len(counts) :]
        totals = Totals(300, came=round(sheet.served))
        now_ms = NOW + 250 * tick
        left = max(0, 60 - round(sheet.served))
        sheet = step(sheet, counts, totals, wanted=True, per_s=50, now_ms=now_ms, room=left)
        assert sheet.served <= 62


def test_who_was_put_back_is_served_when_nobody_else_waits() -> None:
    sheet = begun([])
    counts = [0] * 300 + [5]  # half a minute from now
    sheet = step(sheet, counts, Totals(5), wanted=True, per_s=100, now_ms=NOW + 300)
    assert sheet.is_served(NOW + 30_050)
    assert sheet.shift_ms > 29_000, "virtual time went on"
    assert sheet.virtual_ms(NOW + 300) == sheet.serving_ms
    assert not sheet.waiting


def test_line_is_over_when_nobody_wants_it_and_nobody_waits() -> None:
    sheet = begun([])
    sheet = step(sheet, [10], Totals(10), wanted=True, per_s=10, now_ms=NOW + 250)
    left = sheet.waiting
    assert left
    sheet = step(sheet, [10], Totals(10), wanted=False, per_s=10, now_ms=NOW + 500)
    assert sheet.line, "who waits is served before those who come now"
    sheet = step(sheet, [10], Totals(10), wanted=False, per_s=100, now_ms=NOW + 1_000)
    sheet = step(sheet, [], Totals(10), wanted=False, per_s=100, now_ms=NOW + 1_250)
    assert not sheet.line


@given(
    st.lists(st.lists(st.integers(0, 40), max_size=4), min_size=1, max_size=60),
    st.floats(0.5, 200),
    st.lists(st.integers(0, 30), max_size=10),
)
def test_line_never_goes_back_and_says_what_is_true(
    arrivals: list[list[int]], per_s: float, put_back: list[int]
) -> None:
    sheet = begun([], per_s=per_s)
    first = NOW // BUCKET_MS
    places: dict[int, int] = {first + 100 + n: count for n, count in enumerate(put_back)}
    given_out = sum(put_back)
    now = NOW
    for tick in arrivals:
        virtual = sheet.virtual_ms(now) // BUCKET_MS
        for count in tick:
            places[virtual] = places.get(virtual, 0) + count
            given_out += count
        now += 250
        begin = sheet.serving_ms // BUCKET_MS
        furthest = max(places, default=begin)
        counts = [places.get(n, 0) for n in range(begin, furthest + 1)]
        before = sheet
        sheet = step(sheet, counts, Totals(given_out), wanted=True, per_s=per_s, now_ms=now)
        assert sheet.serving_ms >= before.serving_ms
        assert sheet.served >= before.served - 1e-6
        assert sheet.served <= given_out + 1e-6
        assert len(sheet.knots) <= KNOTS_MAX
        assert [k.place_ms for k in sheet.knots] == sorted(k.place_ms for k in sheet.knots)
        assert [k.number for k in sheet.knots] == sorted(k.number for k in sheet.knots)
        waits = [k.wait_s for k in sheet.knots]
        assert waits == sorted(waits)
        # No more are served than were let in, and none more than those there are.
        assert (
            sheet.served - before.served
            <= max(1.0, per_s * 0.5) + per_s * 0.25 + given_out * (1 - sheet.shown) + 1
        )


@given(st.floats(0, 3_600), st.floats(1, 100), st.floats(0, 1))
def test_poll_never_misses_the_turn_by_more_than_a_second(
    wait_s: float, poll_s_min: float, chance: float
) -> None:
    again_s = poll_s(wait_s, poll_s_min, chance)
    assert 0 < again_s <= wait_s + 1


def test_long_wait_costs_few_questions() -> None:
    left_s, asked = 600.0, 0
    while left_s > 0:
        left_s -= poll_s(left_s, 1.0, 0.5)
        asked += 1
    assert asked < 40
