"""Who is never dropped, what is protected, and how the C program and this code agree."""

from __future__ import annotations

import ipaddress
import re
from importlib.resources import files

import pytest

from stentor.base.errors import ConfigurationError
from stentor.base.settings import Settings
from stentor.guard import ruleset, serve, xdp
from stentor.guard.kernel import DROPS, Ground
from stentor.guard.never import own_networks, read_ground
from stentor.guard.serve import is_wanted, read_settings
from stentor.shield.vocabulary import Limits, Media

GROUND = Ground(8000, (8001, 8002), (61_000, 65_535), (ipaddress.ip_network("192.0.2.0/28"),))


def is_never(ground: Ground, address: str) -> bool:
    one = ipaddress.ip_address(address)
    return any(one in network for network in ground.never)


def test_this_machine_fronts_and_whom_the_operator_names_are_never_dropped() -> None:
    ground = read_ground(
        Settings(
            guard_never="203.0.113.5, 2001:db8:77::/48",
            edge_network_exempt="198.51.100.0/28",
            proxy_protocol_from="198.51.100.32/32",
            forwarded_from="198.51.100.33/32",
        )
    )
    for address in (
        *("127.0.0.5", "::1", "203.0.113.5", "2001:db8:77::9", "198.51.100.15"),
        *("198.51.100.32", "198.51.100.33", "fe80::1", "224.0.0.1"),
    ):
        assert is_never(ground, address), address
    assert not is_never(ground, "203.0.113.6")
    assert all(is_never(ground, str(one.network_address)) for one in own_networks())
    assert (ground.listeners_port, ground.other_ports) == (8000, (8001, 8002))
    assert ground.media_ports == (61_000, 65_535)


@pytest.mark.parametrize(
    "settings",
    [
        {"guard_never": "example.org"},
        {"media_ports": "65535-61000"},
        {"media_ports": "many"},
        {"media_ports": "0-9"},
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        read_ground(Settings(**settings))


def test_limits_come_from_the_settings_and_the_guard_is_off_unless_asked_for() -> None:
    assert read_settings(Settings()) == Limits()
    assert read_settings(Settings(guard_syn_per_s=5, guard_media="validated")) == Limits(
        5, 0, Media.VALIDATED
    )
    assert not is_wanted(Settings())
    with pytest.raises(ConfigurationError, match="guard_media"):
        read_settings(Settings(guard_media="none"))
    with pytest.raises(ConfigurationError, match="guard must be"):
        is_wanted(Settings(guard="perhaps"))


def test_serve_runs_it_by_itself_only_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    for may in (True, False):
        monkeypatch.setattr(serve, "may_guard", lambda may=may: may)
        assert is_wanted(Settings(guard="auto")) is may
    with pytest.raises(ConfigurationError, match="CAP_NET_ADMIN"):
        is_wanted(Settings(guard="on"))


def test_rules_drop_only_by_name_of_a_counter_and_only_at_our_ports() -> None:
    text = ruleset.table(GROUND) + ruleset.limit(Limits(5, 5, Media.VALIDATED))
    drops = re.findall(r"counter name (\w+) drop", text)
    assert drops == [f"dropped_{name}" for name in DROPS]
    assert text.count("drop\n") == len(DROPS)
    assert "flags owner" in text
    assert "ct state" not in text  # a machine does not begin to track connections because of us
    hook = text[text.index("chain way_in") :]
    assert "tcp dport { 8000, 8001, 8002 }" in hook
    assert "udp dport 61000-65535" in hook
    assert ruleset.limit(Limits()).count("add rule") == 0


def test_the_program_in_c_has_the_structures_and_reasons_that_are_used_here() -> None:
    source = (files("stentor.guard") / "shield.bpf.c").read_text()
    reasons = re.search(r"enum drop \{ (.*), DROPS \}", source)
    assert reasons
    assert tuple(one.lower() for one in reasons[1].split(", ")) == DROPS
    assert f"#define TCP_PORTS_MAX {xdp._TCP_PORTS_MAX}" in source
    sizes = {"prefix": xdp._PREFIX, "place": xdp._PLACE, "rules": xdp._RULES}
    widths = {"__u64": 8, "__u32": 4, "__u16": 2, "__be16": 2, "__u8": 1}
    for name, packed in sizes.items():
        body = re.search(rf"struct {name} \{{(.*?)\}};", source, re.DOTALL)
        assert body
        fields = re.findall(r"(__\w+) \w+(?:\[(\w+)\])?;", body[1])
        counts = {"": 1, "16": 16, "TCP_PORTS_MAX": xdp._TCP_PORTS_MAX}
        assert sum(widths[kind] * counts[count] for kind, count in fields) == packed.size
