"""Each promise is held against what edges told, and what cannot be told is not made up."""

from msgspec.structs import replace

from stentor.evidence.course import read_course
from stentor.evidence.promises import Held, Kept, hold_promises
from stentor.evidence.records import RoomPlan, Second
from stentor.shield.facts import EdgeSecond, RoomSecond
from stentor.shield.sketches import Times

ROOM = "r-1"
EPOCH_MS = 1_800_000_000_000
_ROOM = RoomSecond(
    listeners=500, epoch_ms=EPOCH_MS, phase="live", first_part_ms=EPOCH_MS + 400, joined=500
)


def _times(*values: float) -> bytes:
    times = Times()
    for value in values:
        times.add(value)
    return times.take()


def _evening(seconds: int = 60) -> list[Second]:
    """Return an evening on which nothing went wrong: five hundred listen from the hour on."""
    plan = RoomPlan("Town hall", EPOCH_MS, EPOCH_MS + seconds * 1000, int(seconds / 0.32))
    return [
        Second(
            EPOCH_MS + n * 1000,
            (
                EdgeSecond(
                    "edge-0",
                    EPOCH_MS + n * 1000,
                    rooms={ROOM: _ROOM},
                    first_audio_s=_times(0.1, 0.2) if n < 5 else b"",
                ),
            ),
            rooms={ROOM: plan},
        )
        for n in range(seconds)
    ]


def _with(second: Second, room: RoomSecond | None = None, **facts: object) -> Second:
    edge = replace(second.edges[0], **facts)
    if room is not None:
        edge = replace(edge, rooms={ROOM: room})
    return replace(second, edges=(edge,))


def _held(evening: list[Second], ledger_gaps: int | None = 0) -> list[Held]:
    return hold_promises(read_course(evening, ROOM), ledger_gaps)


def test_good_evening_keeps_every_promise() -> None:
    assert {one.kept for one in _held(_evening())} == {Kept.YES}


def test_audio_forty_two_minutes_late_breaks_the_first_promise() -> None:
    late = replace(_ROOM, first_part_ms=EPOCH_MS + 42 * 60_000)
    evening = [_with(second, late) for second in _evening()]
    on_time, *others = _held(evening)
    assert on_time.kept is Kept.NO
    assert on_time.figure == 42 * 60
    assert {one.kept for one in others} == {Kept.YES}


def test_room_of_which_no_edge_told_the_beginning_is_not_called_punctual() -> None:
    untold = replace(_ROOM, first_part_ms=0)
    assert _held([_with(second, untold) for second in _evening()])[0].kept is Kept.UNKNOWN


def test_many_who_come_back_in_one_second_were_interrupted() -> None:
    evening = _evening()
    cut = replace(_ROOM, returned=100)
    evening[30:] = [_with(second, cut) for second in evening[30:]]
    kept = _held(evening)[1]
    assert kept.kept is Kept.NO
    assert kept.figure == 0.2
    assert "100 jumps and returns" in kept.found


def test_whether_many_came_back_or_moved_as_they_were_advised_cannot_be_told() -> None:
    evening = _evening()
    evening[28] = _with(evening[28], counts={"advised": 500})
    cut = replace(_ROOM, returned=100)
    evening[30:] = [_with(second, cut) for second in evening[30:]]
    kept = _held(evening)[1]
    assert kept.kept is Kept.UNKNOWN
    assert "advised" in kept.found


def test_advice_to_a_few_excuses_as_many_and_no_more() -> None:
    evening = _evening()
    evening[10] = _with(evening[10], counts={"advised": 30})
    evening[20] = _with(evening[20], counts={"advised": 40})
    for since, returned in ((30, 50), (40, 100)):
        cut = replace(_ROOM, returned=returned)
        evening[since:] = [_with(second, cut) for second in evening[since:]]
        kept = _held(evening)[1]
        assert kept.kept is (Kept.UNKNOWN if since == 30 else Kept.NO)
        assert kept.figure == 0.1


def test_advice_of_long_ago_excuses_nothing() -> None:
    evening = _evening(700)
    evening[10] = _with(evening[10], counts={"advised": 500})
    cut = replace(_ROOM, returned=100)
    for since, kept in ((650, Kept.NO), (600, Kept.UNKNOWN)):
        evening[since:] = [_with(second, cut) for second in evening[since:]]
        assert _held(evening)[1].kept is kept


def test_advice_that_came_later_excuses_nothing() -> None:
    evening = _evening()
    cut = replace(_ROOM, returned=100)
    evening[30:] = [_with(second, cut) for second in evening[30:]]
    evening[32] = _with(evening[32], counts={"advised": 500})
    assert _held(evening)[1].kept is Kept.NO


def test_edge_that_begins_again_has_not_interrupted_as_many_as_it_ever_counted() -> None:
    evening = _evening()
    evening[:30] = [_with(second, replace(_ROOM, jumped=400)) for second in evening[:30]]
    assert _held(evening)[1].kept is Kept.YES


def test_slow_first_audio_breaks_the_third_promise() -> None:
    evening = _evening()
    evening[6] = _with(evening[6], first_audio_s=_times(*([9.0] * 10)))
    kept = _held(evening)[2]
    assert kept.kept is Kept.NO
    assert kept.figure is not None
    assert 8.7 < kept.figure < 9.3


def test_people_who_hung_up_in_a_long_queue_heard_too_late_whoever_else_heard_in_time() -> None:
    evening = _evening()
    evening[6] = _with(evening[6], counts={"gave_up": 2}, queue_s=_times(0.2, *([5.0] * 9)))
    held = _held(evening)[2]
    assert held.kept is Kept.NO
    assert held.figure is not None
    assert 4.8 < held.figure < 5.2
    assert "2 times somebody hung up before they were looked at" in held.found
    assert "0.101 s (median), 0.199 s (p95)" in held.found, "of those who heard"
    course = read_course(evening, ROOM)
    assert (sum(course.gave_up), sum(course.nothing_told)) == (2, 0)


def test_few_who_hung_up_or_from_a_short_queue_break_no_promise_of_95_in_100() -> None:
    evening = _evening()
    for n, second in enumerate(evening):
        evening[n] = _with(second, first_audio_s=_times(*([0.2] * 10)))
    evening[6] = _with(evening[6], counts={"gave_up": 20}, queue_s=_times(60.0))
    assert _held(evening)[2].kept is Kept.YES
    evening[6] = _with(evening[6], counts={"gave_up": 5_000}, queue_s=_times(1.5))
    short = _held(evening)[2]
    assert short.kept is Kept.YES
    assert "5,000 times" in short.found


def test_how_long_who_hung_up_had_waited_is_a_second_at_least_where_no_edge_told_it() -> None:
    evening = _evening()
    evening[6] = _with(evening[6], counts={"gave_up": 5_000})
    held = _held(evening)[2]
    assert held.figure is not None
    assert 0.95 < held.figure < 1.05


def test_evening_on_which_all_hung_up_is_no_evening_on_which_nobody_came() -> None:
    evening = [_with(second, first_audio_s=b"") for second in _evening()]
    assert _held(evening)[2].kept is Kept.UNKNOWN
    evening[6] = _with(evening[6], counts={"gave_up": 50}, queue_s=_times(8.0))
    held = _held(evening)[2]
    assert held.kept is Kept.NO
    assert held.found.startswith("nobody heard audio; 50 times")


def test_whether_people_hung_up_among_attackers_cannot_be_told() -> None:
    evening = _evening()
    counts = {"gave_up": 50, "tickets_forged": 500}
    evening[6] = _with(evening[6], counts=counts, queue_s=_times(8.0))
    assert _held(evening)[2].kept is Kept.UNKNOWN


def test_people_turned_away_without_a_place_break_the_third_promise() -> None:
    evening = _evening()
    evening[6] = _with(evening[6], counts={"refused_connections": 3})
    assert _held(evening)[2].kept is Kept.NO


def test_whether_people_were_turned_away_among_attackers_cannot_be_told() -> None:
    evening = _evening()
    evening[6] = _with(evening[6], counts={"refused_by_network": 3, "tickets_forged": 500})
    assert _held(evening)[2].kept is Kept.UNKNOWN


def test_parts_missing_in_the_recording_break_the_fourth_promise() -> None:
    plan = RoomPlan("Town hall", EPOCH_MS, EPOCH_MS + 60_000, 100)
    evening = [replace(second, rooms={ROOM: plan}) for second in _evening()]
    kept = _held(evening)[3]
    assert kept.kept is Kept.NO
    assert "100 parts of 184" in kept.found


def test_ledger_that_does_not_verify_or_has_a_hole_keeps_no_promise() -> None:
    assert _held(_evening(), None)[4].kept is Kept.NO
    evening = _evening()
    del evening[20:30]
    hole = _held(evening)[4]
    assert hole.kept is Kept.NO
    assert "10 missing" in hole.found


def test_places_that_were_told_in_one_breath_are_places() -> None:
    crush = [_with(second, counts={"line_shared": 50}) for second in _evening()]
    audio_or_truth = _held(crush)[2]
    assert audio_or_truth.kept is Kept.YES
    assert "3,000 times a place was told to many in one breath" in audio_or_truth.found


def test_whom_the_kernel_kept_out_heard_neither_audio_nor_a_place() -> None:
    evening = _evening()
    full = {"counts": {"accepted": 100}, "kernel": {"listen_overflows": 300}}
    evening[20:30] = [_with(second, **full) for second in evening[20:30]]
    audio_or_truth = _held(evening)[2]
    assert audio_or_truth.kept is Kept.NO
    assert "by a full queue of the kernel" in audio_or_truth.found
    course = read_course(evening, ROOM)
    assert 0 < sum(course.unheard) <= sum(course.nothing_told), "the table says so too"


def test_whom_the_kernel_kept_out_once_came_in_time_all_the_same() -> None:
    evening = _evening()
    evening[20] = _with(evening[20], kernel={"listen_overflows": 100}, counts={"accepted": 400})
    evening[21] = _with(evening[21], counts={"accepted": 100})
    assert _held(evening)[2].kept is Kept.YES
