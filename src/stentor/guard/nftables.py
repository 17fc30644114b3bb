"""Drops by nftables, through libnftables in this very process.

The table has an owner, this process's netlink socket, which the library keeps open: the kernel
takes the table away when the process ends, however it ends, and nobody else can change it.
"""

import ctypes
import ctypes.util
import re
from typing import Literal

from stentor.guard import ruleset
from stentor.guard.kernel import DROPS, Ground, KernelRefused
from stentor.shield.vocabulary import Address, Limits, Network

_LIBRARY = "libnftables.so.1"
_COUNTER = re.compile(r"counter dropped_(\w+) \{\s*packets (\d+) bytes \d+")
_SAID_CHARS_MAX = 300


class Nftables:
    """The table while it stands. Raises `KernelRefused` where there is no library or no right."""

    how: Literal["nftables", "xdp"] = "nftables"

    def __init__(self, ground: Ground) -> None:
        try:
            library = ctypes.CDLL(_LIBRARY)
        except OSError:
            raise KernelRefused(f"{_LIBRARY} is missing (Debian's package nftables)") from None
        library.nft_ctx_new.restype = ctypes.c_void_p
        library.nft_ctx_new.argtypes = [ctypes.c_uint32]
        for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error", "nft_ctx_free"):
            getattr(library, name).argtypes = [ctypes.c_void_p]
        for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(library, name).argtypes = [ctypes.c_void_p]
            getattr(library, name).restype = ctypes.c_char_p
        library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self._library = library
        self._context: int | None = library.nft_ctx_new(0)
        if not self._context:
            raise KernelRefused("libnftables could not open a netlink socket")
        library.nft_ctx_buffer_output(self._context)
        library.nft_ctx_buffer_error(self._context)
        try:
            self._run(ruleset.table(ground))
        except KernelRefused:
            self.close()
            raise

    def ban(self, network: Network, seconds: int) -> None:
        """Drop new connections from there, until so many seconds from now."""
        self._run(ruleset.ban(network, seconds))

    def unban(self, network: Network) -> None:
        """Drop them no longer."""
        self._run(ruleset.unban(network))

    def limit(self, limits: Limits) -> None:
        """Set the limits, in place of those before."""
        self._run(ruleset.limit(limits))

    def validate(self, address: Address, port: int, seconds: int) -> None:
        """Let this one send to media ports, until so many seconds from now."""
        self._run(ruleset.validate(address, port, seconds))

    def drops(self) -> dict[str, int]:
        """Return how many packets were dropped since the start, by `DROPS`."""
        said = self._run(f"list counters table {ruleset.TABLE}\n")
        counted = {name: int(packets) for name, packets in _COUNTER.findall(said)}
        return {name: counted.get(name, 0) for name in DROPS}

    def tidy(self) -> None:
        """Do nothing: the kernel forgets what has expired by itself."""

    def close(self) -> None:
        """Close the netlink socket; the kernel removes the table."""
        if self._context:
            self._library.nft_ctx_free(self._context)
            self._context = None

    def _run(self, commands: str) -> str:
        """Have the kernel do all of these or none; return what it says."""
        if not self._context:
            raise KernelRefused("closed")
        failed = self._library.nft_run_cmd_from_buffer(self._context, commands.encode())
        said = self._library.nft_ctx_get_output_buffer(self._context) or b""
        error = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if failed:
            text = " ".join(error.decode(errors="replace").split())
            raise KernelRefused(text[:_SAID_CHARS_MAX] or "nftables refused")
        return str(said.decode(errors="replace"))
