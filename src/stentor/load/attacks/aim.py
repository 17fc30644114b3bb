"""The only place where an attack opens a socket, and what it may be opened to.

A destination is this machine's loopback, or the address that `arena` gave to a network namespace of
its own. Anything else is refused here, whoever asks; names are not looked up.
"""

import contextlib
import ipaddress
import socket
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from stentor.base.errors import UsageError
from stentor.load.rule import leads_out

ARENA_ADDRESS = "10.83.0.1"
ARENA_V6_PREFIX = "2001:db8::/32"  # for documentation (RFC 3849): routed nowhere
_BOTS_V6_FIRST = int(ipaddress.ip_address("2001:db8:5e17::"))  # one attacker's /48
_ARENA_LOST_FIRST = int(ipaddress.ip_address("10.83.128.0"))
_ARENA_LOST = 1 << 15
_BOTS_FIRST = int(ipaddress.ip_address("127.128.0.0"))
_BOTS = 1 << 23
_SCATTER = 2_654_435_761  # odd, so that numbers below a power of two are scattered, none twice
_BIND_ADDRESS_NO_PORT = 24
_IPV6_FREEBIND = 78
_IP_TRANSPARENT = 19


@dataclass(frozen=True, slots=True)
class Aim:
    """A room of a server on this machine. Whether it may be aimed at is looked at each time."""

    address: str
    port: int
    room: str = ""
    other_room: str = "elsewhere"  # whose tickets are of no use here
    rendition: str = "aac48"

    @property
    def family(self) -> socket.AddressFamily:
        """The address family to connect with."""
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET

    def request(self, path: str, more: str = "") -> bytes:
        """Return a request as a browser might send it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return (
            f"GET {path} HTTP/1.1\r\nHost: {host}:{self.port}\r\n"
            f"User-Agent: stentor-load-attack\r\n{more}\r\n"
        ).encode()


def refuse_all_but_own(address: str) -> None:
    """Return if an address is loopback or the arena's; raises `UsageError`."""
    _refuse_all_but_own(address, Path("/proc/self/ns/net").stat().st_ino)


@lru_cache(8)
def _refuse_all_but_own(address: str, _namespace: int) -> None:
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        raise UsageError(f"{address!r} is a name: attacks look up none.") from None
    if one.is_loopback:
        return
    if address == ARENA_ADDRESS and _is_of_this_namespace(address) and not leads_out():
        return
    raise UsageError(f"{address} is not of this machine alone: no attack goes there.")


def _is_of_this_namespace(address: str) -> bool:
    """Say whether an address is this network namespace's own: what is sent there stays inside."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.bind((address, 0))
        except OSError:
            return False
    return True


def bot(number: int, *, v6: bool = False) -> str:
    """Return the source address of one attacker; loopback, or within the arena's /48.

    Numbers that follow each other are in different networks: bots have nothing in common.
    """
    if v6:
        scattered = number * _SCATTER % (1 << 16) << 64 | number + 1
        return str(ipaddress.IPv6Address(_BOTS_V6_FIRST + scattered))
    return str(ipaddress.IPv4Address(_BOTS_FIRST + number * _SCATTER % _BOTS))


def lost(number: int) -> str:
    """Return a source address to which no answer ever comes; there are some within an arena."""
    return str(ipaddress.IPv4Address(_ARENA_LOST_FIRST + number % _ARENA_LOST))


def open_stream(aim: Aim, source: str, *, window_bytes: int = 0) -> socket.socket:
    """Return a socket that is connecting from `source`; raises `OSError`, or `UsageError`."""
    refuse_all_but_own(aim.address)
    connection = socket.socket(aim.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        if window_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window_bytes)
        if aim.family is socket.AF_INET6:
            connection.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
        connection.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        connection.bind((source, 0))
        with contextlib.suppress(BlockingIOError):
            connection.connect((aim.address, aim.port))
    except OSError:
        connection.close()
        raise
    return connection


def open_datagram(aim: Aim, source: str) -> socket.socket:
    """Return a UDP socket that sends to the aim's port from `source`."""
    refuse_all_but_own(aim.address)
    one = socket.socket(aim.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        one.bind((source, 0))
        one.connect((aim.address, aim.port))
    except OSError:
        one.close()
        raise
    return one


def begin_half_open(aim: Aim, source: str) -> None:
    """Send a SYN whose answer goes nowhere: the kernel's own, from a lost address of the arena.

    Only within a namespace of one's own; outside of one the option needs no more than this to be
    refused, as loopback is not ARENA_ADDRESS.
    """
    if aim.address != ARENA_ADDRESS:
        raise UsageError("Half-open connections are for an arena: a namespace of their own.")
    refuse_all_but_own(aim.address)
    with socket.socket(aim.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as one:
        one.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
        one.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        one.bind((source, 0))
        with contextlib.suppress(BlockingIOError):
            one.connect((aim.address, aim.port))
