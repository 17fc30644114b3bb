"""What a server must have to itself before it starts: its data folder and its ports.

Refuses with one sentence that says which, and what to do; never takes anything from a running one.
"""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stentor.base.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class PortClaim:
    """A port that is needed, for whom, and the option that chooses another one."""

    port: int
    whose: str
    option: str


def require_free_ports(bind: str, claims: Sequence[PortClaim]) -> None:
    """Raise `ConfigurationError` for the first port that cannot be listened on."""
    taken: dict[int, PortClaim] = {}
    for claim in claims:
        if claim.port in taken:
            raise ConfigurationError(
                f"Port {claim.port} is meant for both {taken[claim.port].whose} and "
                f"{claim.whose}; choose another one with {claim.option}."
            )
        taken[claim.port] = claim
        _require_free(bind, claim)


def _require_free(bind: str, claim: PortClaim) -> None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, claim.port))
            probe.listen(1)
        except OSError as error:
            why = {
                errno.EADDRINUSE: "is in use",
                errno.EACCES: "may not be opened by this user",
                errno.EADDRNOTAVAIL: f"cannot be opened: this machine has no address {bind}",
            }.get(error.errno or 0, f"cannot be opened ({error.strerror})")
            raise ConfigurationError(
                f"Port {claim.port} for {claim.whose} {why}; "
                f"choose another one with {claim.option}."
            ) from None
        except OverflowError:
            raise ConfigurationError(f"There is no port {claim.port} for {claim.whose}.") from None


@contextmanager
def data_folder_claimed(root: Path, lock: Path) -> Iterator[None]:
    """Hold the data folder's lock; raises `ConfigurationError` if that cannot be."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {root} cannot be used: {error.strerror or error}."
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"Another stentor serve uses the data folder {root}; stop it, or choose another "
                "folder with --data."
            ) from None
        yield
    finally:
        os.close(handle)
