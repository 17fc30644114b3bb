"""A network that comes often stands further back, and nobody else does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stentor.admission.networks import Places

HOUSE = b"\xc0\x00\x02\x01"
NOW = 1_800_000_000_000


def places(**more: int) -> Places:
    return Places(per_s=10, burst=5, push_ms_max=60_000, **more)


def v6(site: int, customer: int, net: int, host: int = 1) -> bytes:
    return bytes.fromhex("20010db8") + bytes([0, site, customer, net]) + host.to_bytes(8)


def test_burst_stands_where_it_came_and_each_further_one_a_step_behind() -> None:
    line = places()
    found = [line.place(HOUSE, NOW) for _ in range(8)]
    assert found == [NOW] * 5 + [NOW + 100, NOW + 200, NOW + 300]


def test_other_addresses_stand_where_they_came() -> None:
    line = places()
    for _ in range(100):
        line.place(HOUSE, NOW)
    assert line.place(b"\xc0\x00\x02\x02", NOW + 7) == NOW + 7


def test_network_that_rests_has_its_burst_again() -> None:
    line = places()
    for _ in range(10):
        line.place(HOUSE, NOW)
    assert line.place(HOUSE, NOW + 1_000) == NOW + 1_000


def test_too_many_from_one_network_get_no_place_and_are_not_charged() -> None:
    line = places()
    given = [line.place(HOUSE, NOW) for _ in range(1_000)]
    assert given.count(None) == 1_000 - 605
    assert max(place or 0 for place in given) == NOW + 60_000
    assert line.place(HOUSE, NOW + 100) == NOW + 60_100


def test_addresses_of_one_house_are_one_and_of_one_site_four() -> None:
    line = places()
    house = [line.place(v6(1, 1, 1, host), NOW) for host in range(20)]
    assert house.count(NOW) == 5
    line = places()
    customer = [line.place(v6(1, 1, net), NOW) for net in range(40)]
    assert customer.count(NOW) == 10
    line = places()
    site = [line.place(v6(1, customer, 1), NOW) for customer in range(60)]
    assert site.count(NOW) == 20
    assert line.place(v6(2, 1, 1), NOW) == NOW


def test_table_is_bounded_and_forgets_who_came_least_recently() -> None:
    line = places(keys_max=100)
    for _ in range(50):
        line.place(HOUSE, NOW)
    for n in range(1_000):
        line.place(b"\x0a\x00" + n.to_bytes(2), NOW)
        if n % 50 == 0:
            line.place(HOUSE, NOW)
    assert len(line) <= 100
    assert line.forgotten >= 900
    assert (line.place(HOUSE, NOW) or 0) > NOW, "who keeps coming is not forgotten"
    line.forget_idle(NOW + 1_000_000)
    assert len(line) == 0


def test_no_limit_is_no_table() -> None:
    line = Places(per_s=0, burst=1, push_ms_max=60_000)
    assert [line.place(HOUSE, NOW) for _ in range(100)] == [NOW] * 100
    assert len(line) == 0


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 3)), max_size=200))
def test_no_network_ever_gets_more_places_than_its_share_of_the_time(
    arrivals: list[tuple[int, int]],
) -> None:
    line = places()
    now = NOW
    found: dict[int, list[int]] = {}
    for step, who in arrivals:
        now += step
        place = line.place(bytes([10, 0, 0, who]), now)
        assert place is not None
        assert place >= now
        found.setdefault(who, []).append(place)
    for own in found.values():
        assert own == sorted(own)
        for n, first in enumerate(own):  # 5 at once and 10 a second, in any span
            within = [place for place in own[n:] if place <= first + 1_000]
            assert len(within) <= 5 + 10 + 1
