"""What stands out from the rest of an evening does so at any size, a drift of people does not."""

from stentor.evidence.scan import scan_rate, scan_share


def test_window_in_which_far_more_do_something_stands_out() -> None:
    all_ = [20.0] * 100
    usual = [2.0] * 100
    odd = [12.0 if 40 <= t < 60 else 2.0 for t in range(100)]
    assert scan_share(usual, all_) < 0.5
    assert scan_share(odd, all_) > 2.0


def test_few_who_do_it_all_evening_do_not_stand_out_and_few_at_once_do() -> None:
    scattered = [1.0 if t % 4 == 0 else 0.0 for t in range(100)]
    at_once = [2.5 if 50 <= t < 60 else 0.0 for t in range(100)]
    assert sum(scattered) == sum(at_once)
    assert scan_rate(scattered) < 1.0 < scan_rate(at_once)


def test_slight_drift_of_very_many_is_no_sign() -> None:
    all_ = [50_000.0] * 100
    drifting = [5_000.0 + (500.0 if t >= 50 else 0.0) for t in range(100)]
    assert scan_share(drifting, all_) < 1.2


def test_evening_without_anybody_has_no_window_that_stands_out() -> None:
    assert scan_share([0.0] * 100, [0.0] * 100) == 0.0
    assert scan_rate([]) == 0.0
    assert scan_share([], []) == 0.0
