"""One HTTP request of a listener: refusals become sentences, silence on the line becomes an end.

Plain `http.client`: a listener reads one stream, and wants each byte when it comes.
"""

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

from stentor.base.errors import StentorError, UnavailableError, UsageError

CONNECT_S = 5.0
DOCUMENT_S = 10.0
_REDIRECTS_MAX = 3
_DOCUMENT_BYTES_MAX = 16 * 1024 * 1024
_READ_BYTES = 65_536


class Interrupted(Exception):
    """The line broke, or nothing came for too long: a player would connect again."""


class Unknown(StentorError):
    """There is no such thing there; just after it was made it may take a moment."""


class Answer:
    """A response that was not refused."""

    def __init__(self, url: str, line: socket.socket, response: http.client.HTTPResponse) -> None:
        self.url = url
        self._line = line
        self._response = response

    def pieces(self, patience_s: Callable[[], float]) -> Iterator[bytes]:
        """Yield what comes, as it comes; raises `Interrupted` when nothing came for too long."""
        while True:
            try:
                self._line.settimeout(max(0.001, patience_s()))
                data = self._response.read1(_READ_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise Interrupted(str(error) or type(error).__name__) from None
            if not data:
                return
            yield data

    def document(self) -> bytes:
        """Return all of it."""
        data = b""
        for piece in self.pieces(lambda: DOCUMENT_S):
            data += piece
            if len(data) > _DOCUMENT_BYTES_MAX:
                raise StentorError(f"{self.url} is larger than a listener takes.")
        return data


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url} is not an address that one can listen to.")
    try:
        port = parts.port
    except ValueError:
        raise UsageError(f"{url} has no valid port.") from None
    if parts.scheme == "https":
        return http.client.HTTPSConnection(
            parts.hostname, port, timeout=CONNECT_S, context=ssl.create_default_context()
        )
    return http.client.HTTPConnection(parts.hostname, port, timeout=CONNECT_S)


def _refusal(url: str, status: int, body: bytes) -> StentorError | Interrupted:
    if status in (429, 502, 503, 504):
        return Interrupted(f"status {status}")
    try:
        problem = json.loads(body)
        said = f"{problem['title'].rstrip('.')}. {problem.get('detail', '')}".strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        said = f"{url} answers with status {status}."
    return Unknown(said) if status == 404 else StentorError(said)


@contextmanager
def get(url: str) -> Iterator[Answer]:
    """Ask for `url`. Raises `Interrupted` for what may pass, `StentorError` for what will not."""
    for _ in range(_REDIRECTS_MAX):
        connection = _connection(url)
        try:
            parts = urlsplit(url)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            try:
                connection.request("GET", path, headers={"User-Agent": "stentor-listen"})
                line = connection.sock
                response = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise Interrupted(str(error) or type(error).__name__) from None
            if response.status in (301, 302, 303, 307, 308):
                url = urljoin(url, response.getheader("Location", ""))
                continue
            if response.status not in (200, 206):
                raise _refusal(url, response.status, response.read(4096))
            yield Answer(url, line, response)
            return
        finally:
            connection.close()
    raise UnavailableError(f"{url} leads from one address to the next.")
