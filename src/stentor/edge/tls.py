"""TLS on descriptors, with the semantics of `os.read` and `os.write`: one system call a delivery.

All sessions share one pair of memory buffers (OpenSSL's own would keep 50 KB for each), which are
empty between any two calls: ciphertext that a client cannot take at once is kept here, bounded.
What a context may do is decided in `tls_context`, when a handshake has its turn in `arrival`.
"""

import os
import ssl

from stentor.edge.counts import Counts
from stentor.edge.loop import QUIET, READ
from stentor.edge.wire import Write

RECORD_BYTES = 16_384  # RFC 8446 5.1: the most that one record holds
WRITE_BYTES_MAX = 393_216  # encrypted for one client at once: a welcome to the slowest lane
READ_BYTES = 4_096  # of ciphertext at once; each KeyUpdate in it costs two key derivations
SILENT_BYTES_MAX = 20_480  # of ciphertext without a byte of data: a whole record, and some more
_LISTENER_BYTES = 512  # of ciphertext at once of those who only listen: nineteen KeyUpdates
LISTENER_BYTES_MAX = 16_384  # of ciphertext in all; each reading counts as if it had been full


class _Unsent:
    """Ciphertext that the client has not taken, and how many bytes of data wait for that."""

    __slots__ = ("owed", "rest")

    def __init__(self, rest: memoryview, owed: int) -> None:
        self.rest = rest
        self.owed = owed


class TlsWire:
    """All TLS sessions of one edge, by descriptor."""

    secure = True
    quiet = QUIET | READ  # alerts, key updates and the end come as data

    def __init__(self, counts: Counts, unsent_bytes_max: int) -> None:
        self._counts = counts
        self._unsent_bytes_max = unsent_bytes_max
        self._into = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._sessions: dict[int, ssl.SSLObject] = {}
        self._unsent: dict[int, _Unsent] = {}
        self._silent: dict[int, int] = {}
        self._data: bytes | memoryview = b""  # what was last sent, and how it fits into records
        self._records: list[memoryview] = []
        self.unsent_bytes = 0

    @property
    def sessions(self) -> int:
        """How many clients there are, whose handshake goes on included."""
        return len(self._sessions)

    def begin(self, fd: int, context: ssl.SSLContext) -> None:
        """Take a descriptor on which a client is about to greet."""
        self._sessions[fd] = context.wrap_bio(self._into, self._out, server_side=True)

    def shake(self, fd: int, data: bytes) -> bytes | None:
        """Go on with the handshake; return the data that came after it, None until it is done.

        Raises `OSError` (`ssl.SSLError` is one) when there will be no session.
        """
        session = self._sessions[fd]
        try:
            self._into.write(data)
            session.do_handshake()
            self._counts.tls_handshakes += 1
            self._counts.tls_resumed += session.session_reused is True
            return self._plain(session)
        except ssl.SSLWantReadError:
            return None
        finally:
            self._flush(fd)

    def read(self, fd: int, size: int) -> bytes:
        """Return the data that came; `size` is what a plain wire would read at most."""
        came = os.read(fd, min(size, READ_BYTES))
        if not came:
            return b""
        session = self._sessions[fd]
        try:
            self._into.write(came)
            data = self._plain(session)
        finally:
            self._flush(fd)
        if data:
            self._silent.pop(fd, None)
            return data
        if session.pending() == 0 and self._closed(session):
            return b""
        silent = self._silent[fd] = self._silent.get(fd, 0) + len(came)
        if silent > SILENT_BYTES_MAX:
            raise ConnectionAbortedError("much TLS and no data")
        raise BlockingIOError

    def still_there(self, fd: int) -> bool:
        """Read alerts, key updates and the end; a listener has nothing else to say."""
        said = self._silent.get(fd, 0) + _LISTENER_BYTES
        try:
            if not self.read(fd, _LISTENER_BYTES):
                return False
        except BlockingIOError:
            pass
        except OSError:
            return False
        self._silent[fd] = said
        return said <= LISTENER_BYTES_MAX

    def write_to_many(self, data: bytes, receivers: int) -> Write:
        """Return how to send: each session has a key of its own, so nothing can be shared."""
        return self.write

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Encrypt and send; what the client does not take is kept, and told as not taken."""
        if fd in self._unsent:
            return self._go_on(fd)
        if data is not self._data:
            self._data = data
            view = memoryview(data)[:WRITE_BYTES_MAX]
            self._records = [
                view[at : at + RECORD_BYTES] for at in range(0, len(view), RECORD_BYTES)
            ]
        encrypt = self._sessions[fd].write
        try:
            size = 0
            for record in self._records:
                size += encrypt(record)
        except ssl.SSLError:
            self._out.read()
            raise
        ciphertext = self._out.read()
        try:
            sent = os.write(fd, ciphertext)
        except BlockingIOError:
            sent = 0
        if sent == len(ciphertext):
            return size
        return size - self._keep(fd, memoryview(ciphertext)[sent:], size)

    def close(self, fd: int) -> None:
        """Say goodbye and forget; the descriptor is closed next."""
        session = self._sessions.pop(fd, None)
        if session is None:
            return
        self._silent.pop(fd, None)
        unsent = self._unsent.pop(fd, None)
        if unsent is not None:
            self.unsent_bytes -= len(unsent.rest)
            return  # a goodbye in the middle of a record would be garbage
        try:
            session.unwrap()
        except (OSError, ValueError):
            pass
        try:
            goodbye = self._out.read()
            if goodbye:
                os.write(fd, goodbye)
        except OSError:
            pass

    def _plain(self, session: ssl.SSLObject) -> bytes:
        """Take all data out of what came; afterwards the shared buffer is empty."""
        pieces: list[bytes] = []
        try:
            while piece := session.read(RECORD_BYTES):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        finally:
            if self._into.pending:  # after a fatal alert or the end: nobody else may read it
                self._into.read()
        return b"".join(pieces)

    def _closed(self, session: ssl.SSLObject) -> bool:
        try:
            return not session.read(1)
        except ssl.SSLError as error:
            return not isinstance(error, ssl.SSLWantReadError)

    def _flush(self, fd: int) -> None:
        """Send what OpenSSL has to say itself: handshake, key updates, alerts."""
        if self._into.pending:
            self._into.read()
        said = self._out.read()
        if not said:
            return
        unsent = self._unsent.get(fd)
        if unsent is not None:
            unsent.rest = memoryview(bytes(unsent.rest) + said)
            self.unsent_bytes += len(said)
            return
        try:
            sent = os.write(fd, said)
        except BlockingIOError:
            sent = 0
        if sent < len(said):
            self._keep(fd, memoryview(said)[sent:], 0)

    def _keep(self, fd: int, rest: memoryview, size: int) -> int:
        """Keep ciphertext for later; return how many bytes of the data count as not taken."""
        self.unsent_bytes += len(rest)
        if self.unsent_bytes > self._unsent_bytes_max:
            self.unsent_bytes -= len(rest)
            self._counts.tls_unsent_refused += 1
            raise ConnectionAbortedError("too much ciphertext waits for slow clients")
        owed = min(size, len(rest))
        self._unsent[fd] = _Unsent(rest, owed)
        return owed

    def _go_on(self, fd: int) -> int:
        unsent = self._unsent[fd]
        sent = os.write(fd, unsent.rest)
        self.unsent_bytes -= sent
        unsent.rest = unsent.rest[sent:]
        if not unsent.rest:
            del self._unsent[fd]
            return unsent.owed
        still = min(unsent.owed, len(unsent.rest))
        taken, unsent.owed = unsent.owed - still, still
        if not taken:
            raise BlockingIOError
        return taken
