"""What things cost is found again in what trials say of it."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from stentor.rehearsal.deliveries import least_squares, overhead
from stentor.rehearsal.fitting import Fit, fit, of_size, without_size
from stentor.rehearsal.trial import Kind, Trial
from stentor.simulate.fleet.calibration import SHIPPED
from support.trials import SIZES, delivery_s, trials, truth, welcome_s


@pytest.fixture(scope="module")
def measured() -> list[Trial]:
    """Without TLS; what a way's trials say is read in the same way."""
    return trials(truth())


def fitted(found: list[Trial], lane_parts: int = 48) -> Fit:
    return fit(found, machine="a test's", cores=2, lane_parts=lane_parts)


def test_known_costs_are_recovered(measured: list[Trial]) -> None:
    secure = trials(truth(), ways=(True,))
    found, both = fitted(measured).calibration, fitted(measured + secure).calibration
    assert found.measured
    known = truth()
    assert found.edge_s == pytest.approx(known.edge_s)
    for mine, true in ((found.plain, known.plain), (both.tls, known.tls)):
        for name in ("place_s", "notice_s", "page_s", "wake_s", "beside_s"):
            assert getattr(mine, name) == pytest.approx(getattr(true, name), rel=0.03), name
        assert mine.memory_bytes == 6000.0
        for parts in (1, 3, 6, 12, 24, 48):
            assert mine.delivery_s[parts] == pytest.approx(delivery_s(parts), rel=0.01)


def test_a_join_costs_what_its_first_parts_cost_too(measured: list[Trial]) -> None:
    for parts in (1, 48):
        found = fitted(measured, parts).calibration.plain.join_s
        assert found == pytest.approx(truth().plain.join_s + welcome_s(parts), rel=0.01)


def test_the_spread_says_how_far_sizes_are_apart(measured: list[Trial]) -> None:
    dear = of_size(trials(truth(join_s=90e-6), SIZES[:1]), SIZES[0])
    mixed = dear + without_size(measured, SIZES[0])
    low, high = fitted(mixed).spread["plain.join_s"]
    assert low == pytest.approx(60e-6 + welcome_s(48), rel=0.05)
    assert high == pytest.approx(90e-6 + welcome_s(48), rel=0.05)


def test_what_was_not_measured_is_shipped_and_named(measured: list[Trial]) -> None:
    found = fitted(measured)
    assert found.calibration.tls.join_s == SHIPPED.tls.join_s
    assert {"tls.join_s", "tls.delivery_s", "tls.memory_bytes"} <= set(found.shipped)
    # Nobody queued, so nobody could tell what savings are worth.
    assert [one for one in found.shipped if one.startswith("plain.")] == ["plain.saved_worth"]
    assert found.calibration.plain.saved_worth == SHIPPED.plain.saved_worth


def test_void_trials_say_nothing(measured: list[Trial]) -> None:
    found = fitted([replace(one, void="somebody else was at work") for one in measured])
    assert not found.calibration.measured
    assert found.calibration.plain == SHIPPED.plain
    assert "edge_s" in found.shipped


def test_leaving_a_size_out_leaves_nothing_of_it(measured: list[Trial]) -> None:
    left = without_size(measured, SIZES[1])
    predicted = [one for one in left if one.kind in (Kind.CROWD, Kind.LINE)]
    assert {one.size for one in predicted} == {SIZES[0], SIZES[2]}
    for one in left:
        if one.kind is Kind.DELIVERIES:
            assert {window.listeners for window in one.windows} == {0, SIZES[0], SIZES[2]}


def test_no_cost_is_below_nothing() -> None:
    table = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])
    found = least_squares(table, np.array([1.0, 1.9, 2.8]) - 0.5)
    assert (found >= 0.0).all()


def test_packets_and_records_are_on_the_wire_too() -> None:
    plain, secure = (overhead(6000.0, 48_000.0, tls=tls) for tls in (False, True))
    assert 1.0 < plain < secure < 1.2
