"""The guard's socket: a Unix datagram socket that only the data folder's owner may speak to.

It is made as that owner, so no path of theirs is ever changed with root's rights; and the kernel
vouches for each datagram's sender. It says nothing about what words mean.
"""

import contextlib
import os
import socket
import stat
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stentor.base.errors import ConfigurationError
from stentor.shield.vocabulary import WORD_BYTES_MAX

_CREDENTIALS = struct.Struct("iII")  # pid, uid, gid: unix(7)
_RECEIVE_BYTES = 1 << 20
Place = str | bytes


class WordSocket:
    """Words in, answers out. Never waits, and survives the run folder's being made anew."""

    def __init__(self, path: Path, owner: tuple[int, int], fates: Counter[str]) -> None:
        """`owner` is the user and group whose words are heard, root's too; `fates` are counted."""
        self._fates = fates
        self._path = path
        self._owner = owner
        self._bound: tuple[int, int] | None = None  # device and inode
        self.socket: socket.socket | None = None

    def keep(self) -> bool:
        """Bind if nobody can reach us and the folder is there; say whether that was done."""
        if self._bound is not None and self._bound == _identity(self._path):
            return False
        if not self._path.parent.is_dir():
            return False
        self.close()
        fresh = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        fresh.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        fresh.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        try:
            with _as_owner(self._owner):
                found = _identity(self._path)
                if found is not None:
                    self._path.unlink()
                fresh.bind(str(self._path))
        except OSError as error:
            fresh.close()
            raise ConfigurationError(f"{self._path} cannot be made: {error.strerror}.") from None
        self.socket = fresh
        self._bound = _identity(self._path)
        return True

    def words(self, most: int) -> Iterator[tuple[bytes, Place | None]]:
        """Yield what came, and whom to answer; strangers' words are dropped and counted."""
        if self.socket is None:
            return
        for _ in range(most):
            try:
                data, ancillary, _flags, sender = self.socket.recvmsg(
                    WORD_BYTES_MAX + 1, socket.CMSG_SPACE(_CREDENTIALS.size)
                )
            except BlockingIOError:
                return
            if _sender_uid(ancillary) in (0, self._owner[0]):
                yield data, sender or None
            else:
                self._fates["strange"] += 1

    def answer(self, data: bytes, place: Place | None) -> None:
        """Send an answer to who can take one; it is dropped and counted if it does not go now."""
        if place is None or self.socket is None:
            return
        try:
            self.socket.sendto(data, place)
        except OSError:
            self._fates["unanswered"] += 1

    def close(self) -> None:
        """Close it; its path goes if it is still ours."""
        if self.socket is None:
            return
        self.socket.close()
        self.socket = None
        if _identity(self._path) == self._bound:
            with contextlib.suppress(OSError), _as_owner(self._owner):
                self._path.unlink()
        self._bound = None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    if not stat.S_ISSOCK(found.st_mode):
        raise ConfigurationError(f"{path} is not a socket; remove it.")
    return found.st_dev, found.st_ino


def _sender_uid(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            _pid, uid, _gid = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])
            return int(uid)
    return None


@contextlib.contextmanager
def _as_owner(owner: tuple[int, int]) -> Iterator[None]:
    """Do to the file system what the owner may do, and no more; mode 0600."""
    mask = os.umask(0o177)
    user, group, others = os.geteuid(), os.getegid(), os.getgroups()
    becomes = user == 0 and owner[0] != 0
    try:
        if becomes:
            os.setgroups([])
            os.setegid(owner[1])
            os.seteuid(owner[0])
        yield
    finally:
        if becomes:
            os.seteuid(user)
            os.setegid(group)
            os.setgroups(others)
        os.umask(mask)
