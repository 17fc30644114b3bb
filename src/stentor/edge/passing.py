"""What an edge and its successor say to each other, and how descriptors go with it.

A Unix socket that keeps messages apart; descriptors travel in SCM_RIGHTS, at most 253 a message
(the kernel's SCM_MAX_FD). What is large goes as a file in memory. Decides nothing.
"""

import array
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import msgspec

VERSION = 1  # of these messages and of what `inheritance` writes
DESCRIPTORS_MAX = 253
_MESSAGE_BYTES_MAX = 65_536


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The successor's first word: may I take over?"""

    version: int
    index: int


class Refused(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Either side's last word."""

    why: str


class Estate(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The old edge's answer. With it: both listening sockets, and the programme's window."""

    version: int


class Begin(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The successor has the window and is ready for listeners."""


class Batch(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """Listeners; with it their descriptors. `numbers` are what the old edge calls them."""

    numbers: tuple[int, ...]
    peers: tuple[bytes, ...]


class Taken(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """A batch has arrived."""


class Frozen(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """The old edge delivers nothing any more. With it: the token, and where everyone is.

    The token is one byte in a pipe that both can read. Whoever has read it owns the listeners, so
    at no moment both do, and whoever waits in vain can find out whether it still may go on.
    """

    at_ns: int  # on the machine's monotonic clock


class Serving(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """The successor has the token."""


class Passed(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """A connection between two requests, after the listeners. `heard` is not answered yet."""

    heard: bytes
    peer: bytes
    front: bytes  # who speaks for the peer
    on_metrics_port: bool


Word = Hello | Refused | Estate | Begin | Batch | Taken | Frozen | Serving | Passed
_DECODER = msgspec.msgpack.Decoder(Word)


class Garbled(Exception):
    """The other side said something that is no word of ours."""


class Channel:
    """One end of the conversation. Every method may raise `OSError`; the peer may just die."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._socket.fileno()

    def settimeout(self, seconds: float | None) -> None:
        """How long to wait in `say` and `hear`; 0 is not at all."""
        self._socket.settimeout(seconds)

    def say(self, word: Word, descriptors: Sequence[int] = ()) -> None:
        """Send a word whole, or raise: `BlockingIOError`, `TimeoutError`, another `OSError`."""
        rights = array.array("i", descriptors)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
        self._socket.sendmsg([msgspec.msgpack.encode(word)], ancillary)

    def hear(self) -> tuple[Word, list[int]] | None:
        """Return a word and the descriptors that are ours from now on; None: the peer is gone.

        Raises `Garbled` for a word that cannot be read, or one whose descriptors did not all fit.
        """
        data, ancillary, flags, _ = self._socket.recvmsg(
            _MESSAGE_BYTES_MAX,
            socket.CMSG_SPACE(4 * DESCRIPTORS_MAX),
            socket.MSG_CMSG_CLOEXEC,
        )
        came = array.array("i")
        for level, kind, rights in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                came.frombytes(rights[: len(rights) - len(rights) % came.itemsize])
        descriptors = list(came)
        if not data:
            return None
        try:
            # The kernel cuts off descriptors beyond this process's limit, and only hints at it.
            if flags & (socket.MSG_CTRUNC | socket.MSG_TRUNC):
                raise Garbled("a message was cut off: too few descriptors are left")
            return _DECODER.decode(data), descriptors
        except (Garbled, msgspec.MsgspecError) as error:
            close_all(descriptors)
            raise Garbled(str(error)) from None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def close_all(descriptors: Sequence[int]) -> None:
    """Close descriptors that nobody wants."""
    for fd in descriptors:
        os.close(fd)


def serve(path: Path) -> socket.socket:
    """Return a listening socket at `path`, in the place of whatever was there; mode 0600."""
    scratch = path.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        door.bind(str(scratch))
        scratch.chmod(0o600)
        door.listen(2)
        scratch.rename(path)
    except OSError:
        door.close()
        raise
    return door


def call(path: Path, timeout_s: float) -> Channel:
    """Connect to the edge that serves `path`; raises `OSError`."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(timeout_s)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return Channel(connection)


def put_aside(data: bytes) -> int:
    """Return the descriptor of a file in memory that holds `data`."""
    fd = os.memfd_create("stentor-handover", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(fd), "wb") as file:
            file.write(data)
    except OSError:
        os.close(fd)
        raise
    return fd


def fetch(fd: int) -> bytes:
    """Return what `put_aside` wrote, and close it."""
    with os.fdopen(fd, "rb") as file:
        file.seek(0)  # the position came with the descriptor
        return file.read()
