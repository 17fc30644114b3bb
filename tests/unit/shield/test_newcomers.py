"""Who came a moment ago: who leaves at once is counted, who stays is told once, and no more."""

from stentor.shield.newcomers import SOON_S, STAYED_S, Newcomers

HERE, THERE = b"\xc0\x00\x02\x01", b"\xc6\x33\x64\x07"


def test_who_leaves_at_once_left_soon_and_who_stays_is_told_once() -> None:
    newcomers = Newcomers()
    newcomers.joined(1, HERE, 100.0)
    newcomers.joined(2, THERE, 100.0)
    newcomers.joined(3, THERE, 100.0)

    assert newcomers.left(1, 100.0 + SOON_S - 0.1)
    assert not newcomers.left(2, 100.0 + SOON_S)
    assert list(newcomers.stayed(100.0 + STAYED_S - 0.1)) == []
    assert list(newcomers.stayed(100.0 + STAYED_S)) == [THERE]
    assert list(newcomers.stayed(100.0 + 2 * STAYED_S)) == []
    assert not newcomers.left(3, 100.0 + 2 * STAYED_S), "who stayed has not left soon"


def test_a_number_that_is_used_again_is_somebody_new() -> None:
    newcomers = Newcomers()
    newcomers.joined(1, HERE, 0.0)
    newcomers.joined(1, THERE, 10.0)

    assert list(newcomers.stayed(STAYED_S)) == []
    assert list(newcomers.stayed(10.0 + STAYED_S)) == [THERE]


def test_more_than_there_is_room_for_are_counted_and_not_kept() -> None:
    newcomers = Newcomers(most=2)
    for who in range(5):
        newcomers.joined(who, HERE, 0.0)

    assert len(newcomers) == 2
    assert newcomers.take_unremembered() == 3
    assert newcomers.take_unremembered() == 0
    assert not newcomers.left(4, 1.0)
