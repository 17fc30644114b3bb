"""A quarter of a second's worth of handshakes may wait, while there is more to do than time."""

from stentor.admission.backlog import LEAST, Backlog

MOST = 20_000


def behind(*begun: int) -> Backlog:
    backlog = Backlog(MOST)
    for some in begun:
        backlog.look(some, 1.0, all_served=False)
    return backlog


def let_in(backlog: Backlog, waiting: int) -> int:
    """Let in whom there is room for; return how many wait then."""
    for _ in range(backlog.room(waiting)):
        waiting += 1
        backlog.came_in(waiting)
    return waiting


def test_while_all_are_served_in_time_a_burst_is_not_cut() -> None:
    backlog = Backlog(MOST)
    for begun in (0, 3, 900):
        backlog.look(begun, 1.0, all_served=True)
        assert backlog.limit == MOST
        assert backlog.room(0) == MOST


def test_a_quarter_of_a_seconds_worth_of_what_was_begun_may_wait_when_there_is_always_more() -> (
    None
):
    assert behind(1000).limit == 250
    assert behind(1000, 1000, 1000).limit == 250
    assert behind(1000).room(200) == 50


def test_few_wait_in_the_kernel_where_nobody_knows_of_them() -> None:
    assert behind(1000).kernel == 62
    assert behind(10).kernel == LEAST
    assert Backlog(MOST).kernel == MOST // 4


def test_a_long_second_is_no_faster_pace() -> None:
    backlog = Backlog(MOST)
    backlog.look(3000, 3.0, all_served=False)
    assert backlog.limit == 250


def test_a_moment_with_nobody_left_lifts_the_limit_at_once_and_the_old_pace_is_forgotten() -> None:
    backlog = behind(100, 100)
    backlog.look(40, 1.0, all_served=True)
    assert backlog.limit == MOST
    backlog.look(1400, 1.0, all_served=False)
    assert backlog.limit == 350


def test_the_pace_is_followed_upwards_soon_and_downwards_slowly() -> None:
    assert 400 < behind(1000, 2000, 2000).limit < 500
    assert behind(1000, 0).limit == 238
    assert behind(1000, *(0,) * 200).limit == LEAST


def test_neither_too_few_nor_more_than_a_burst_may_wait() -> None:
    assert behind(3).limit == LEAST
    assert behind(0).limit == LEAST
    assert behind(1_000_000).limit == MOST


def test_at_the_limit_nobody_comes_in_until_somebody_had_their_turn() -> None:
    backlog = behind(1000)
    waiting = let_in(backlog, 0)
    assert waiting == 250
    assert backlog.room(waiting) == 0
    backlog.had_turn(waiting - 1)
    assert let_in(backlog, waiting - 1) == 250


def test_after_a_burst_one_comes_in_for_two_who_had_their_turn() -> None:
    backlog = behind(1000)
    waiting, came = 1000, 0
    while waiting > backlog.limit:
        waiting -= 1
        backlog.had_turn(waiting)
        now = let_in(backlog, waiting)
        came, waiting = came + now - waiting, now
    assert 700 <= came <= 750, "as many as those who wait became fewer"


def test_turns_while_nobody_came_are_no_room_for_a_burst_later() -> None:
    backlog = behind(1000)
    for waiting in range(1000, 300, -1):
        backlog.had_turn(waiting)
    assert backlog.room(300) <= backlog.limit
    backlog.had_turn(100)
    assert backlog.room(260) == 0
