"""Visits a room's page as browsers do that have nothing in their cache. Says nothing of it."""

import http.client
import re
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from stentor.trials.ground import Ground
from stentor.trials.programme import ROOM

_LINKS = re.compile(rb"""(?:src|href)=["'](/site/[\w.]+)["']|from\s*["']\./([\w.]+\.js)["']""")
_CONNECTIONS = 6  # of one browser to one server
_TIMEOUT_S = 20.0


class Visitor:
    """Knows which files belong to the page once it has been there."""

    def __init__(self, at: Ground) -> None:
        self._at = at
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._paths = list(self._find())

    def visit(self, times: int) -> None:
        """Come so often; each time the page first, then its files on several connections."""
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            for _ in range(times):
                self._fetch(self._paths[:1])
                rest = self._paths[1:]
                list(pool.map(self._fetch, (rest[n::_CONNECTIONS] for n in range(_CONNECTIONS))))

    def _find(self) -> Iterator[str]:
        wanted, seen = [f"/r/{ROOM}"], set[str]()
        while wanted:
            path = wanted.pop(0)
            seen.add(path)
            yield path
            for whole, module in _LINKS.findall(self._fetch([path])):
                name = whole.decode() or f"/site/{module.decode()}"
                if name not in seen and name not in wanted:
                    wanted.append(name)

    def _fetch(self, paths: list[str]) -> bytes:
        """Return the last of these files; all come on one connection."""
        if not paths:
            return b""
        connection = self._connection()
        try:
            for path in paths:
                connection.request("GET", path, headers={"Accept-Encoding": "identity"})
                body = connection.getresponse().read()
            return body
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        port = self._at.settings.port
        if not self._at.settings.tls_certificate:
            return http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        return http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=_TIMEOUT_S, context=self._context
        )
