"""The text of the guard's nftables table: one table, its sets, chains and counters. Pure.

Only beginnings are dropped: the first packet of a TCP connection, by its flags, before connection
tracking. So no present listener is ever cut, and a machine that tracks no connections does not
begin to because of us (decision 16).
"""

import ipaddress
from collections.abc import Iterable

from stentor.guard.kernel import BANS_MAX, DROPS, SOURCES_MAX, VALIDATED_MAX, Ground
from stentor.shield.vocabulary import PREFIXES, Address, Limits, Media, Network

TABLE = "inet stentor"
_TYPES = {4: "ipv4_addr", 6: "ipv6_addr"}
_SOURCES = {4: "ip saddr", 6: "ip6 saddr"}
_SLASH_64 = "ffff:ffff:ffff:ffff::"
# By whom packets are counted: an IPv4 address, an IPv6 /64.
_COUNTED = {4: "ip saddr", 6: f"ip6 saddr & {_SLASH_64}"}
_PACE_KEPT_S = 30
_STUN_COOKIE = 0x2112A442  # RFC 8489, section 5


def table(ground: Ground) -> str:
    """Return the commands that make the table, with no ban and no limit in it."""
    first, last = ground.media_ports
    ports = sorted({ground.listeners_port, *ground.other_ports})
    lines = [
        f"table {TABLE} {{",
        "flags owner;",  # gone with the netlink socket of whoever made it
        *(f"counter dropped_{name} {{\n}}" for name in DROPS),  # `udp` alone is a keyword
        *_sets(ground.never),
        *(f"chain drop_{name} {{\ncounter name dropped_{name} drop\n}}" for name in DROPS),
        "chain syn_limit {\n}",
        "chain media_limit {\n}",
        "chain newcomers {",
        *(f"{_SOURCES[version]} @never{version} accept" for version in PREFIXES),
        "jump syn_limit",
        f"tcp dport != {ground.listeners_port} accept",
        *(
            f"{_masked(version, prefix)} @{_bans(version, prefix)} goto drop_banned"
            for version, prefixes in PREFIXES.items()
            for prefix in prefixes
        ),
        "}",
        "chain media {",
        *(f"{_SOURCES[version]} . udp sport @media{version} accept" for version in PREFIXES),
        *(f"{_SOURCES[version]} @never{version} accept" for version in PREFIXES),
        "jump media_limit",
        "}",
        "chain way_in {",
        "type filter hook prerouting priority raw; policy accept;",
        f"tcp dport {{ {', '.join(map(str, ports))} }} "
        "tcp flags & (fin|syn|rst|ack) == syn goto newcomers",
        f"udp dport {first}-{last} goto media",
        "}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _sets(never: Iterable[Network]) -> list[str]:
    lines: list[str] = []
    for version, prefixes in PREFIXES.items():
        kind = _TYPES[version]
        elements = ", ".join(str(one) for one in never if one.version == version)
        filled = f" elements = {{ {elements} }};" if elements else ""
        lines.append(f"set never{version} {{\ntype {kind}; flags interval; auto-merge;{filled}\n}}")
        lines += [
            f"set {_bans(version, prefix)} {{\ntype {kind}; flags timeout; size {2 * BANS_MAX};\n}}"
            for prefix in prefixes
        ]
        lines.append(
            f"set media{version} {{\ntype {kind} . inet_service; flags timeout; "
            f"size {2 * VALIDATED_MAX};\n}}"
        )
        lines += [
            f"set {kind_of_packet}{version} {{\ntype {kind}; flags dynamic,timeout; "
            f"timeout {_PACE_KEPT_S}s; size {SOURCES_MAX};\n}}"
            for kind_of_packet in ("syn", "udp")
        ]
    return lines


def _bans(version: int, prefix: int) -> str:
    return f"ban{version}_{prefix}"


def _masked(version: int, prefix: int) -> str:
    """Return the source as far as a prefix goes."""
    if prefix == (32 if version == 4 else 128):
        return _SOURCES[version]
    any_address = "0.0.0.0" if version == 4 else "::"
    mask = ipaddress.ip_network(f"{any_address}/{prefix}").netmask
    return f"{_SOURCES[version]} & {mask}"


def ban(network: Network, seconds: int) -> str:
    """Return the commands that put a network among those that are banned, however long it was."""
    return _set_again(
        _bans(network.version, network.prefixlen), str(network.network_address), seconds
    )


def unban(network: Network) -> str:
    """Return the commands that take a network out, whether it is in or has just expired."""
    return _emptied(_bans(network.version, network.prefixlen), str(network.network_address))


def validate(address: Address, port: int, seconds: int) -> str:
    """Return the commands that let an address and port send media."""
    return _set_again(f"media{address.version}", f"{address} . {port}", seconds)


def _emptied(name: str, element: str) -> str:
    """Take an element out: to delete one that expired would fail, to add one again does not."""
    return (
        f"add element {TABLE} {name} {{ {element} timeout 1h }}\n"
        f"delete element {TABLE} {name} {{ {element} }}\n"
    )


def _set_again(name: str, element: str, seconds: int) -> str:
    return (
        _emptied(name, element) + f"add element {TABLE} {name} {{ {element} timeout {seconds}s }}\n"
    )


def limit(limits: Limits) -> str:
    """Return the commands that set the limits in place of those before."""
    lines = [f"flush chain {TABLE} syn_limit", f"flush chain {TABLE} media_limit"]
    lines += [_rule("syn_limit", rule) for rule in _paced("syn", limits.syn_per_s)]
    lines += [_rule("media_limit", rule) for rule in _paced("udp", limits.udp_per_s)]
    if limits.media is Media.VALIDATED:
        # @th,64,6: the first byte of a UDP payload but its last two bits, zero in STUN alone
        # (RFC 7983).
        lines.append(_rule("media_limit", "@th,64,6 != 0 goto drop_unvalidated"))
        lines.append(_rule("media_limit", f"@th,96,32 != {_STUN_COOKIE:#x} goto drop_unvalidated"))
    return "\n".join(lines) + "\n"


def _rule(chain: str, rule: str) -> str:
    return f"add rule {TABLE} {chain} {rule}"


def _paced(kind: str, per_s: int) -> list[str]:
    """Return rules that drop what comes faster, after a burst of two seconds' worth."""
    if not per_s:
        return []
    return [
        f"update @{kind}{version} {{ {_COUNTED[version]} limit rate over {per_s}/second "
        f"burst {2 * per_s} packets }} goto drop_{kind}"
        for version in PREFIXES
    ]
