"""Where a load may go: the decision, and the facts that it is made on.

To this machine's loopback; to a network namespace made for it, from which no way leads out; or to
a deployment whose operator agreed (`consent`). There is no way around it.
"""

import array
import fcntl
import ipaddress
import socket
import struct
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_SIOCETHTOOL = 0x8946
_ETHTOOL_GDRVINFO = 0x3
_INTERNAL_DRIVERS = frozenset(("veth", "dummy"))
_RTF_REJECT = 0x0200


class Where(Enum):
    """What kind of place a target is."""

    LOOPBACK = "loopback"
    NAMESPACE = "namespace"
    FOREIGN = "foreign"  # the operator must have agreed


@dataclass(frozen=True, slots=True)
class Network:
    """What this process can reach. `driver` is that of the interface on which the target is.

    `on_link` says that no gateway lies between. What could not be found out is as if it were bad.
    """

    own_namespace: bool = False
    default_route: bool = True
    on_link: bool = False
    driver: str = ""


def decide(address: str, network: Network) -> Where:
    """Return what kind of place an address is."""
    one = ipaddress.ip_address(address)
    if one.is_loopback:
        return Where.LOOPBACK
    if (
        network.own_namespace
        and not network.default_route
        and network.on_link
        and network.driver in _INTERNAL_DRIVERS
        and one.is_private
        and not one.is_unspecified
    ):
        return Where.NAMESPACE
    return Where.FOREIGN


def look_around(address: str) -> Network:
    """Return the facts about the way to an IPv4 address; of IPv6 nothing is known but the worst."""
    try:
        one = ipaddress.ip_address(address)
        if one.version != 4:
            return Network()
        route = _route_to(int(one))
        if route is None:
            return Network()
        interface, gateway = route
        return Network(
            own_namespace=_namespace("self") != _namespace("1"),
            default_route=leads_out(),
            on_link=gateway == 0,
            driver=_driver(interface),
        )
    except OSError:
        return Network()


def _namespace(process: str) -> int:
    return Path(f"/proc/{process}/ns/net").stat().st_ino


def _routes() -> list[tuple[str, int, int, int]]:
    found = []
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        fields = line.split()
        numbers = [socket.ntohl(int(fields[place], 16)) for place in (1, 2, 7)]
        found.append((fields[0], numbers[0], numbers[1], numbers[2]))
    return found


def _route_to(address: int) -> tuple[str, int] | None:
    """Return the interface and the gateway of the narrowest route."""
    fitting = [one for one in _routes() if address & one[3] == one[1]]
    if not fitting:
        return None
    interface, _net, gateway, _mask = max(fitting, key=lambda one: one[3])
    return interface, gateway


def leads_out() -> bool:
    """Say whether there is a default route, or any gateway at all."""
    if any(mask == 0 or gateway for _name, _net, gateway, mask in _routes()):
        return True
    path = Path("/proc/net/ipv6_route")
    if not path.exists():
        return False
    for line in path.read_text().splitlines():
        fields = line.split()
        whole = fields[1] == "00" and fields[9] != "lo" and not int(fields[8], 16) & _RTF_REJECT
        if whole or int(fields[4], 16):
            return True
    return False


def _driver(interface: str) -> str:
    """Return the name of an interface's driver, as the kernel tells it."""
    info = array.array("B", struct.pack("I", _ETHTOOL_GDRVINFO) + bytes(252))
    request = struct.pack("16sP", interface.encode(), info.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, _SIOCETHTOOL, request)
    return info.tobytes()[4:36].split(b"\0")[0].decode("latin-1")
