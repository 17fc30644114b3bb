"""How connections are opened, written, read and closed: plain, or TLS for small loads.

Plain connections are bare descriptors: no object is kept for one. TLS ones keep an `SSLSocket`
each and read record by record, so a load of them is for thousands, not for a million.
"""

import contextlib
import errno
import os
import socket
import ssl

from stentor.load.behaviour import SLOW_WINDOW_BYTES
from stentor.load.target import Target

_BIND_ADDRESS_NO_PORT = 24
_IPV6_FREEBIND = 78


def open_socket(target: Target, process: int, who: int, *, small_window: bool) -> socket.socket:
    """Return a socket that is connecting; raises `OSError`."""
    connection = socket.socket(target.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        if small_window:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_WINDOW_BYTES)
        source = target.source(process, who)
        if source is not None:
            connection.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            if target.v6_sources:
                connection.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
            connection.bind(source)
        with contextlib.suppress(BlockingIOError):
            connection.connect((target.address, target.port))
    except OSError:
        connection.close()
        raise
    return connection


class Plain:
    """Descriptors, and the kernel's own calls on them."""

    secure = False

    def adopt(self, connection: socket.socket) -> int:
        """Take a connecting socket; return its descriptor."""
        return connection.detach()

    def write(self, fd: int, data: bytes) -> int:
        """Send what can be sent; raises `BlockingIOError` until it is connected."""
        return os.write(fd, data)

    def read(self, fd: int, most: int) -> bytes:
        """Return what has come; raises `BlockingIOError` when nothing has."""
        return os.read(fd, most)

    def close(self, fd: int) -> None:
        """Close a connection."""
        os.close(fd)


class Kept(Plain):
    """The same with their objects kept: only these can discard what has come without copying it."""

    def __init__(self) -> None:
        self.by_fd: dict[int, socket.socket] = {}

    def adopt(self, connection: socket.socket) -> int:
        """Take a connecting socket; return its descriptor."""
        fd = connection.fileno()
        self.by_fd[fd] = connection
        return fd

    def close(self, fd: int) -> None:
        """Close a connection."""
        self.by_fd.pop(fd).close()


class Secure:
    """The same over TLS; sessions are resumed as a browser does."""

    secure = True

    def __init__(self, host: str, *, verify: bool) -> None:
        self._host = host
        self._context = ssl.create_default_context()
        if not verify:  # loopback and namespaces of one's own: certificates are for names
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        self._connecting: dict[int, socket.socket] = {}
        self._sockets: dict[int, ssl.SSLSocket] = {}
        self._shaken: set[int] = set()
        self._session: ssl.SSLSession | None = None

    def adopt(self, connection: socket.socket) -> int:
        """Take a connecting socket; return its descriptor."""
        self._connecting[connection.fileno()] = connection
        return connection.fileno()

    def write(self, fd: int, data: bytes) -> int:
        """Send what can be sent, after the handshake; raises `BlockingIOError` until then."""
        one = self._connected(fd) if fd in self._connecting else self._sockets[fd]
        try:
            if fd not in self._shaken:
                one.do_handshake()
                self._shaken.add(fd)
            return one.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def read(self, fd: int, most: int) -> bytes:
        """Return what has come, of as many records as there are."""
        one, pieces, size = self._sockets[fd], [], 0
        while size < most:
            try:
                piece = one.recv(most - size)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except ssl.SSLEOFError:
                piece = b""
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        else:
            return b"".join(pieces)
        if not pieces and not self._over(one):
            raise BlockingIOError
        return b"".join(pieces)

    def _connected(self, fd: int) -> ssl.SSLSocket:
        """Begin TLS where it is connected: `wrap_socket` takes one that is not for broken."""
        connection = self._connecting[fd]
        failed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            raise OSError(failed, os.strerror(failed))
        try:
            connection.getpeername()
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                raise BlockingIOError from None
            raise
        wrapped = self._sockets[fd] = self._context.wrap_socket(
            connection,
            server_hostname=self._host,
            do_handshake_on_connect=False,
            session=self._session,
        )
        del self._connecting[fd]
        return wrapped

    def _over(self, one: ssl.SSLSocket) -> bool:
        try:
            return one.recv(1) == b""
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            return True

    def close(self, fd: int) -> None:
        """Close a connection; its session is for the next one."""
        if fd in self._connecting:
            self._connecting.pop(fd).close()
            return
        one = self._sockets.pop(fd)
        if fd in self._shaken:  # of a handshake that was not ended, `session` raises
            self._shaken.remove(fd)
            self._session = one.session or self._session
        one.close()
