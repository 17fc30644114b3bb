"""Drops by XDP: compiles shield.bpf.c, attaches it, keeps its maps. All goes with this process.

The object is compiled into a folder of this process's own at each start, which takes a quarter of
a second: what root loads into the kernel never lies where somebody else could change it.
"""

import shutil
import socket
import struct
import subprocess
import sysconfig
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

from stentor.base.logs import log
from stentor.guard.kernel import DROPS, Ground, KernelRefused
from stentor.guard.libbpf import Loaded
from stentor.shield.vocabulary import Address, Limits, Media, Network

_SOURCE = "shield.bpf.c"
_PROGRAM = "shield"
_COMPILE_S_MAX = 30.0
_NS_PER_S = 1_000_000_000
_BURST_S = 2
_TCP_PORTS_MAX = 4
# Structures of shield.bpf.c; a test holds them against it.
_PREFIX = struct.Struct("=I16s")
_PLACE = struct.Struct("=16s2sH")
_RULES = struct.Struct("=QQQQ4HHHI")
_U32 = struct.Struct("=I")
_U64 = struct.Struct("=Q")


def compile_object(folder: Path) -> Path:
    """Return the program compiled by clang into a folder; raises `KernelRefused`."""
    clang = shutil.which("clang")
    if clang is None:
        raise KernelRefused("clang is missing (Debian's packages clang and libbpf-dev)")
    out = folder / "shield.o"
    triplet = sysconfig.get_config_var("MULTIARCH") or ""
    with as_file(files("stentor.guard") / _SOURCE) as source:
        try:
            done = subprocess.run(
                [clang, "-O2", "-g", "-Wall", "-Werror", "-target", "bpf",
                 f"-I/usr/include/{triplet}", "-c", str(source), "-o", str(out)],
                capture_output=True, text=True, timeout=_COMPILE_S_MAX, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise KernelRefused(f"clang did not run: {error}") from None
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), "")
        raise KernelRefused(f"clang could not compile it: {first[-200:]}")
    return out


def source_key(address: Address) -> bytes:
    """Return an address as the maps have it: IPv4 as ::ffff:a.b.c.d."""
    packed = address.packed
    return packed if len(packed) == 16 else b"\0" * 10 + b"\xff\xff" + packed


def prefix_key(network: Network) -> bytes:
    """Return a network as a key of the maps of prefixes."""
    bits = network.prefixlen + (96 if network.version == 4 else 0)
    return _PREFIX.pack(bits, source_key(network.network_address))


def place_key(address: Address, port: int) -> bytes:
    """Return an address and port as a key of the map of those validated."""
    return _PLACE.pack(source_key(address), port.to_bytes(2, "big"), 0)


class Xdp:
    """The program before some interfaces. Raises `KernelRefused` where that cannot be."""

    how: Literal["nftables", "xdp"] = "xdp"

    def __init__(self, ground: Ground, interfaces: tuple[str, ...]) -> None:
        self._ground = ground
        with tempfile.TemporaryDirectory(prefix="stentor-guard-") as folder:
            self.loaded = Loaded(compile_object(Path(folder)), _PROGRAM)
        try:
            self._maps = {
                name: self.loaded.map(name)
                for name in ("rules", "drops", "bans", "never", "validated")
            }
            for network in ground.never:
                self.loaded.put(self._maps["never"], prefix_key(network), _U64.pack(1))
            self.limit(Limits())
            for name in interfaces:
                self._attach(name)
        except BaseException:
            self.loaded.close()
            raise
        self._until: dict[tuple[str, bytes], int] = {}

    def ban(self, network: Network, seconds: int) -> None:
        """Drop new connections from there, until so many seconds from now."""
        self._put("bans", prefix_key(network), seconds)

    def unban(self, network: Network) -> None:
        """Drop them no longer."""
        key = prefix_key(network)
        self._until.pop(("bans", key), None)
        self.loaded.take(self._maps["bans"], key)

    def limit(self, limits: Limits) -> None:
        """Set the limits, in place of those before."""
        ports = [self._ground.listeners_port, *self._ground.other_ports][:_TCP_PORTS_MAX]
        ports += [0] * (_TCP_PORTS_MAX - len(ports))
        costs = [
            cost
            for per_s in (limits.syn_per_s, limits.udp_per_s)
            for cost in ((_NS_PER_S // per_s, _BURST_S * _NS_PER_S) if per_s else (0, 0))
        ]
        rules = _RULES.pack(
            *costs, *ports, *self._ground.media_ports, int(limits.media is Media.VALIDATED)
        )
        self.loaded.put(self._maps["rules"], _U32.pack(0), rules)

    def validate(self, address: Address, port: int, seconds: int) -> None:
        """Let this one send to media ports, until so many seconds from now."""
        self._put("validated", place_key(address, port), seconds)

    def drops(self) -> dict[str, int]:
        """Return how many packets were dropped since the start, by `DROPS`."""
        counted: dict[str, int] = {}
        for number, name in enumerate(DROPS):
            value = self.loaded.look(
                self._maps["drops"], _U32.pack(number), _U64.size * self.loaded.cpus
            )
            counted[name] = sum(one for (one,) in _U64.iter_unpack(value or b""))
        return counted

    def tidy(self) -> None:
        """Take out what has expired; the program passes it over until then."""
        now_ns = time.monotonic_ns()
        for place in [place for place, until_ns in self._until.items() if until_ns <= now_ns]:
            del self._until[place]
            self.loaded.take(self._maps[place[0]], place[1])

    def close(self) -> None:
        """Take the program from every interface."""
        self.loaded.close()

    def _put(self, name: str, key: bytes, seconds: int) -> None:
        until_ns = time.monotonic_ns() + seconds * _NS_PER_S
        self.loaded.put(self._maps[name], key, _U64.pack(until_ns))
        self._until[name, key] = until_ns

    def _attach(self, name: str) -> None:
        try:
            index = socket.if_nametoindex(name)
        except OSError:
            raise KernelRefused(f"there is no interface {name}") from None
        log().info("xdp_attached", interface=name, mode=self.loaded.attach(index))
