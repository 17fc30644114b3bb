"""Where media sockets are opened, and what speakers are told of it."""

from __future__ import annotations

import aioice.ice
import pytest

from stentor.base.errors import ConfigurationError
from stentor.stage import addresses
from stentor.stage.addresses import add_public_addresses, open_media_on, parse_addresses

ANSWER = (
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=candidate:4d 1 udp 2130706431 10.0.0.5 40000 typ host\r\na=end-of-candidates\r\n"
)


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", aioice.ice.get_host_addresses)


def test_addresses_are_read_and_nonsense_is_named() -> None:
    assert parse_addresses("media_addresses", " 10.0.0.5, ::1,") == ["10.0.0.5", "::1"]
    assert parse_addresses("media_addresses", "") == []
    with pytest.raises(ConfigurationError, match="media_addresses"):
        parse_addresses("media_addresses", "example.org")


def test_chosen_addresses_are_the_only_ones() -> None:
    open_media_on(["10.0.0.5"])
    assert aioice.ice.get_host_addresses(True, True) == ["10.0.0.5"]


def test_a_machine_without_a_network_talks_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_found_by_aioice", lambda _v4, _v6: [])
    open_media_on([])
    assert aioice.ice.get_host_addresses(True, True) == ["127.0.0.1"]


def test_public_addresses_are_told_beside_the_machines_own() -> None:
    assert add_public_addresses(ANSWER, []) == ANSWER
    told = add_public_addresses(ANSWER, ["203.0.113.7"]).splitlines()
    assert told[2].endswith("10.0.0.5 40000 typ host")
    assert told[3] == "a=candidate:4d0 1 udp 2130706430 203.0.113.7 40000 typ host"
