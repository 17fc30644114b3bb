"""Half a second's worth of handshakes may wait, while there is always more to do than time."""

from stentor.admission.backlog import LEAST, Backlog

MOST = 20_000


def behind(*begun: int) -> Backlog:
    backlog = Backlog(MOST)
    for some in begun:
        backlog.second(some, 1.0, all_served=False)
    return backlog


def test_while_all_are_served_in_time_only_descriptors_bound_who_waits() -> None:
    backlog = Backlog(MOST)
    for begun in (0, 3, 900):
        backlog.second(begun, 1.0, all_served=True)
        assert backlog.limit == MOST


def test_half_a_seconds_worth_of_what_was_begun_may_wait_when_there_is_always_more() -> None:
    assert behind(500).limit == 250
    assert behind(500, 500, 500).limit == 250


def test_a_long_second_is_no_faster_pace() -> None:
    backlog = Backlog(MOST)
    backlog.second(1500, 3.0, all_served=False)
    assert backlog.limit == 250


def test_a_moment_with_nobody_left_lifts_the_limit_at_once_and_the_old_pace_is_forgotten() -> None:
    backlog = behind(100, 100)
    backlog.second(40, 1.0, all_served=True)
    assert backlog.limit == MOST
    backlog.second(700, 1.0, all_served=False)
    assert backlog.limit == 350


def test_the_pace_is_followed_upwards_soon_and_downwards_slowly() -> None:
    assert 400 < behind(500, 1000, 1000).limit < 500
    assert behind(500, 0).limit == 238
    assert behind(500, *(0,) * 200).limit == LEAST


def test_neither_too_few_nor_more_than_there_are_descriptors_may_wait() -> None:
    assert behind(3).limit == LEAST
    assert behind(0).limit == LEAST
    assert behind(1_000_000).limit == MOST
