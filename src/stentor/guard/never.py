"""Who is never dropped: this machine, its own networks, and whom the operator named.

A front stands for everybody behind it; to ban it would ban them all.
"""

import ipaddress

import ifaddr

from stentor.base.errors import ConfigurationError
from stentor.base.settings import Settings
from stentor.guard.kernel import Ground
from stentor.shield.vocabulary import Network

_ALWAYS = ("127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10", "224.0.0.0/4", "ff00::/8")
# A network that this machine is in counts as the operator's own, unless it is as wide as a cloud's.
_OWN_WIDEST = {4: 16, 6: 64}
_NAMED = ("guard_never", "edge_network_exempt", "proxy_protocol_from", "forwarded_from")


def read_ground(settings: Settings) -> Ground:
    """Return what the guard protects here; raises `ConfigurationError`."""
    named = [one for name in _NAMED for one in _read_networks(name, getattr(settings, name))]
    always = [ipaddress.ip_network(one) for one in _ALWAYS]
    return Ground(
        settings.port,
        (settings.control_port, settings.stage_port_used),
        settings.media_port_range,
        _without_overlaps([*always, *own_networks(), *named]),
    )


def own_networks() -> list[Network]:
    """Return the networks that this machine has an address in."""
    found: list[Network] = []
    for adapter in ifaddr.get_adapters():
        for one in adapter.ips:
            text = one.ip if isinstance(one.ip, str) else one.ip[0]
            address = ipaddress.ip_address(text.partition("%")[0])
            prefix = one.network_prefix
            if prefix < _OWN_WIDEST[address.version]:
                prefix = address.max_prefixlen
            found.append(ipaddress.ip_network(f"{address}/{prefix}", strict=False))
    return found


def _read_networks(name: str, text: str) -> list[Network]:
    try:
        return [
            ipaddress.ip_network(one.strip(), strict=False)
            for one in text.split(",")
            if one.strip()
        ]
    except ValueError as error:
        raise ConfigurationError(f"{name} must hold networks: {error}.") from None


def _without_overlaps(networks: list[Network]) -> tuple[Network, ...]:
    fours = [one for one in networks if isinstance(one, ipaddress.IPv4Network)]
    sixes = [one for one in networks if isinstance(one, ipaddress.IPv6Network)]
    return (*ipaddress.collapse_addresses(fours), *ipaddress.collapse_addresses(sixes))
