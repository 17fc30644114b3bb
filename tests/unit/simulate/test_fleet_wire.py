"""Bytes on the wire: as many as the edge really frames, and as packets and TLS really add."""

from __future__ import annotations

import pytest

from stentor.admission.lanes import LANE_PARTS
from stentor.media.fragments import fragment
from stentor.media.merge import merge
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.edges import wire_bits
from stentor.simulate.fleet.wire import delivery

OPUS = [bytes(120)] * 16  # 20 ms of 48 kbit/s


@pytest.mark.parametrize("parts", LANE_PARTS)
def test_boxes_are_as_many_bytes_as_the_edge_puts_around_the_programme(parts: int) -> None:
    made = [fragment(n, 960, OPUS) for n in range(parts)]
    sent = [merge(made)] if parts >= 6 else made
    framed = sum(len(one) for one in sent)
    found = delivery(parts, 48_000)
    assert found.programme == parts * 16 * 120
    assert found.boxes == pytest.approx(framed - found.programme, abs=16)


def test_slower_lane_and_no_tls_are_less_and_a_lower_bitrate_is_more_of_the_programme() -> None:
    overheads = [delivery(parts, 48_000).overhead for parts in LANE_PARTS]
    assert overheads == sorted(overheads, reverse=True)
    for parts in LANE_PARTS:
        tls = delivery(parts, 48_000)
        assert delivery(parts, 48_000, tls=False).on_wire < tls.on_wire
        assert delivery(parts, 24_000).overhead > tls.overhead


def test_what_clients_got_side_by_side_is_what_is_counted_up_to_packets() -> None:
    # docs/benchmarks/edges.md: kbit/s as clients read them, of 48.
    for parts, kbit_per_s in ((3, 52.3), (24, 49.6)):
        found = delivery(parts, 48_000, tls=False)
        read = (found.programme + found.boxes) / found.programme * 48
        assert read == pytest.approx(kbit_per_s, rel=0.01)


def test_costs_that_come_with_the_code_have_the_overhead_that_is_counted() -> None:
    assert SHIPPED.plain.overhead == pytest.approx(
        delivery(3, 48_000, tls=False).overhead, rel=0.01
    )
    assert SHIPPED.tls.overhead == pytest.approx(delivery(3, 48_000).overhead, rel=0.01)


def test_overhead_is_kept_for_other_bitrates_in_bytes_and_not_as_a_share() -> None:
    lower, higher = wire_bits(24_000, 1.169), wire_bits(48_000, 1.169)
    assert (lower > higher / 2).all()
    assert (lower < higher).all()
