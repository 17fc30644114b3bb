"""Seconds of several edges become one: sums, unions, and who is known from before."""

from __future__ import annotations

from stentor.evidence.records import Second
from stentor.shield.facts import EdgeSecond, Load
from stentor.shield.keys import EventKey
from stentor.shield.merge import HEAVY_MERGED_MAX, KNOWN_AFTER_S, Merging, merge_loads
from stentor.shield.policy import SAFE, Why
from stentor.shield.summary import Summary
from stentor.watch.shown import point_of

KEY = EventKey(bytes(32))


def peer(cluster: int, host: int = 1) -> bytes:
    return bytes((11, cluster >> 8, cluster & 255, host))


def told(name: str, clusters: range, at_ms: int = 0, **counts: int) -> EdgeSecond:
    summary = Summary(KEY, name)
    for cluster in clusters:
        summary.came(peer(cluster))
        summary.asked(peer(cluster))
        summary.queued(0.1)
    return summary.second(at_ms, counts=counts)


def test_counts_add_up_and_the_same_network_at_two_edges_is_one() -> None:
    merged = Merging().merge(
        [told("a", range(100), accepted=100), told("b", range(50, 150), accepted=100, left=1)], 0
    )
    assert merged.counts == {"accepted": 200, "left": 1}
    assert merged.addresses == merged.clusters == 150
    assert merged.queue_s.n == 200


def test_who_does_wrong_at_two_edges_is_one_address_and_turns_are_told_together() -> None:
    edges = []
    for name, lag_s in (("a", 1.0), ("b", 3.0)):
        summary = Summary(KEY, name)
        for host in (1, 2):
            summary.came(peer(1, host))
            summary.wrong(peer(1, host), Why.PROBING)
        summary.turn_lag(lag_s)
        edges.append(summary.second(0, counts={}))
    merged = Merging().merge(edges, 0)
    assert merged.wronging == 2
    assert merged.turn_lag_s.n == 2
    assert merged.turn_lag_s.p10 < 2 < merged.turn_lag_s.p95
    point = point_of(Second(0), edges, merged, SAFE)
    assert (point.wronging, point.turn_lag_p95) == (2, merged.turn_lag_s.p95)


def test_network_that_stands_out_at_two_edges_is_told_once() -> None:
    edges = []
    for name in ("a", "b"):
        summary = Summary(KEY, name)
        summary.came(peer(1), 10)
        summary.wrong(peer(1), Why.PROBING, 8)
        edges.append(summary.second(0, counts={}))
    (heavy,) = Merging().merge(edges, 0).heavy
    assert (heavy.asks, heavy.wrongs, heavy.why) == (20, 16, "probing")


def test_network_with_listeners_is_told_however_many_others_stand_out_more() -> None:
    edges = []
    for edge in range(8):
        summary = Summary(KEY, f"edge-{edge}")
        for host in range(100):
            summary.wrong(peer(edge, host), Why.PROBING)
        edges.append(summary.second(0, counts={}))
    knows = Summary(KEY, "edge-8")
    carrier = peer(200)
    edges.append(knows.second(0, counts={}, listening_of=lambda _one: 3, bystanders=[carrier]))
    heavy = Merging().merge(edges, 0).heavy
    assert len(heavy) == HEAVY_MERGED_MAX + 1
    assert (heavy[-1].network, heavy[-1].listening) == (KEY.name(carrier), 3)


def test_clusters_are_known_from_visits_at_once_and_otherwise_after_half_a_minute() -> None:
    merging = Merging()
    visited = Summary(KEY, "a")
    for cluster in range(40):
        visited.visited(peer(cluster))
    merging.merge([visited.second(0, counts={})], 0)
    assert merging.merge([told("a", range(100))], 1000).known_clusters == 40
    assert merging.merge([told("a", range(100))], 2000).known_clusters == 40
    for n in range(KNOWN_AFTER_S):
        merging.merge([], 3000 + n * 1000)
    assert merging.merge([told("a", range(100))], 40_000).known_clusters == 100


def test_who_is_known_is_no_stranger_after_very_many_came() -> None:
    """Of many known clusters a sketch holds a sample: who is not in it is not strange for that."""
    merging, visited = Merging(), Summary(KEY, "a")
    for cluster in range(40_000):
        visited.visited(peer(cluster))
    merging.merge([visited.second(0, counts={})], 0)
    for first in range(0, 400, 20):
        merged = merging.merge([told("a", range(first, first + 20))], 1000)
        assert merged.known_clusters == merged.clusters
    found = [merging.merge([told("a", range(n, n + 800))], 1000) for n in (39_000, 39_600, 50_000)]
    strange = [round(one.clusters - one.known_clusters) for one in found]
    assert strange[0] == 0
    assert 200 < strange[1] < 600
    assert strange[2] > 600


def test_order_of_edges_makes_no_difference() -> None:
    edges = [told("a", range(300)), told("b", range(200, 500)), told("c", range(450, 460))]
    assert Merging().merge(edges, 0) == Merging().merge(edges[::-1], 0)


def test_what_cannot_be_read_is_counted_and_left_out() -> None:
    merged = Merging().merge([EdgeSecond("a", 0, coming_clusters=b"x", queue_s=b"y")], 0)
    assert merged.unreadable == 2
    assert merged.clusters == 0


def test_no_edges_are_a_second_too() -> None:
    merged = Merging().merge([], 5000)
    assert (merged.edges, merged.listeners, merged.load.cores) == (0, 0, 0.0)


def test_loads_add_up_where_they_are_amounts_and_the_worst_counts_where_they_are_limits() -> None:
    both = merge_loads(
        [
            Load(cores=1, use=0.2, memory=0.9, unserved=3),
            Load(cores=1, use=0.6, memory=0.1, unserved=4),
        ]
    )
    assert (both.cores, both.use, both.memory, both.unserved) == (2, 0.4, 0.9, 7)


def test_network_where_somebody_looked_at_the_page_is_told_as_one_also_around_its_houses() -> None:
    summary = Summary(KEY, "a")
    for house in range(3):
        summary.came(b"\x20\x01\x0d\xb8\x00\x01" + house.to_bytes(2) + bytes(8), 10)
    summary.visited(b"\x20\x01\x0d\xb8\x00\x01" + bytes(10))
    summary.came(peer(1), 10)
    found = {one.network: one for one in summary.second(0, counts={}).heavy}
    assert {one.network[:4]: one.visited for one in found.values() if one.visited} == {
        "6/64": True,
        "6/56": True,
        "6/48": True,
    }
    assert [one.asks for one in found.values() if one.network.startswith("6/48")] == [30]
    assert not any(one.visited for one in found.values() if one.network.startswith("4/32"))
