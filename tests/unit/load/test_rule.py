"""Where a load may go: what is not known to be harmless is foreign."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stentor.load.rule import Network, Where, decide, look_around

LAB = Network(own_namespace=True, default_route=False, on_link=True, driver="veth")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.8.7", "::1"])
def test_loopback_is_always_ones_own(address: str) -> None:
    assert decide(address, Network()) is Where.LOOPBACK


def test_namespace_from_which_no_way_leads_out_is_ones_own() -> None:
    assert decide("10.1.2.3", LAB) is Where.NAMESPACE


@pytest.mark.parametrize(
    "network",
    [
        Network(),
        replace(LAB, own_namespace=False),
        replace(LAB, default_route=True),
        replace(LAB, on_link=False),
        replace(LAB, driver="virtio_net"),
        replace(LAB, driver=""),
    ],
)
def test_any_way_out_makes_a_target_foreign(network: Network) -> None:
    assert decide("10.1.2.3", network) is Where.FOREIGN


@pytest.mark.parametrize("address", ["8.8.8.8", "0.0.0.0", "::ffff:10.1.2.3", "2606:4700::1"])
def test_public_addresses_are_foreign_even_in_a_namespace(address: str) -> None:
    facts = LAB if address != "::ffff:10.1.2.3" else replace(LAB, on_link=False)
    assert decide(address, facts) is Where.FOREIGN


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "169.254.1.1"])
def test_facts_of_this_machine_make_other_machines_foreign(address: str) -> None:
    assert decide(address, look_around(address)) is Where.FOREIGN
