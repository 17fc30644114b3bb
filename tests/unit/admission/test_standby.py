"""Who stands by: their order, their numbers, and what they are told."""

from __future__ import annotations

from stentor.admission.standby import MARKS_MAX, Standby, ended, followed, served

NOW = 1_800_000_000_000


def grown(by: Standby, each: int, ticks: int) -> Standby:
    """So many more come to stand by in each quarter of a second."""
    for n in range(1, ticks + 1):
        by = followed(by, by.given + each, by.marks[-1][0] + 250 if by.marks else NOW + 250 * n)
    return by


def test_places_are_numbered_in_the_order_in_which_they_were_given() -> None:
    by = grown(ended(7, NOW), 10, 4)
    assert (by.given, by.waiting) == (47, 40)
    numbers = [by.number(NOW + at) for at in (1, 125, 250, 251, 700, 1_000)]
    assert numbers == sorted(numbers)
    assert numbers[1] == 12
    assert numbers[2] == 17
    assert by.number(NOW + 1_200, more=3) == 50, "three came since"
    assert by.number(NOW) == by.served, "whose place is served"


def test_who_is_served_are_those_who_came_first() -> None:
    by = grown(ended(0, NOW), 10, 4)
    by = served(by, 15.0, 15.0, NOW + 1_100)
    assert by.served == 15
    assert by.serving_ms == NOW + 375
    assert by.waiting == 25
    assert by.room == 0
    assert served(by, -3.0, -2.0, NOW + 1_200).serving_ms == by.serving_ms
    over = served(by, 40.0, 30.0, NOW + 1_300)
    assert (over.waiting, over.serving_ms, over.room, over.marks) == (0, NOW + 1_300, 5, ())


def test_wait_is_until_so_many_have_left_and_at_the_pace_of_joining() -> None:
    by = served(grown(ended(0, NOW), 100, 1), 0.0, -20.0, NOW + 300)
    assert by.wait_s(50, per_s=100, leaving_per_s=2) == (50 + 20) / 2, "twenty are too many"
    assert by.wait_s(50, per_s=100, leaving_per_s=0) is None, "nobody leaves"
    assert by.wait_s(0, per_s=100, leaving_per_s=2) == 21 / 2, "whose turn it is, and no room"
    roomy = served(grown(ended(0, NOW), 100, 1), 0.0, 200.0, NOW + 300)
    assert roomy.wait_s(50, per_s=10, leaving_per_s=0) == 5


def test_long_line_of_them_is_remembered_coarsely_and_completely() -> None:
    by = grown(ended(0, NOW), 3, 10 * MARKS_MAX)
    assert len(by.marks) <= MARKS_MAX
    assert by.given == 30 * MARKS_MAX
    last_ms = by.marks[-1][0]
    middle = by.number(NOW + (last_ms - NOW) // 2)
    assert abs(middle - by.given / 2) <= 3
    by = served(by, by.given / 2, 1e9, last_ms + 250)
    assert abs(by.serving_ms - (NOW + last_ms) / 2) < 1_000


def test_board_that_is_made_anew_has_nobody_on_it() -> None:
    by = grown(ended(0, NOW), 10, 4)
    assert followed(by, 2, NOW + 2_000) == ended(2, NOW + 2_000)
