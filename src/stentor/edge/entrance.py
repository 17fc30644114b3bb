"""How clients come in, as the settings have it: plainly or by TLS, directly or through a front.

Puts together what the other modules decide: the certificate, the sessions, whom a front speaks
for. With none of these settings nothing of it is in anybody's way.
"""

from collections.abc import Callable, Iterator

from stentor.admission.backlog import EVERY_S, Backlog
from stentor.base.errors import ConfigurationError, Problem
from stentor.base.paths import DataFolder
from stentor.base.secrets import load_or_make_key
from stentor.base.settings import Settings
from stentor.edge.arrival import Arrivals
from stentor.edge.connection import Connection
from stentor.edge.request import Request
from stentor.edge.tls import TlsWire
from stentor.edge.tls_context import Certificates
from stentor.edge.trusted import Trusted
from stentor.edge.web import Web

_LOOK_S = 2.0
_NOBODY_KNOWN = Problem(400, "bad-forwarded-for", "The front does not say for whom it speaks")


def check_entrance(settings: Settings) -> None:
    """Raise `ConfigurationError` unless an edge with these settings could let somebody in."""
    _fronts(settings)
    if settings.tls_certificate:
        Certificates(settings.tls_certificate, settings.tls_key, b"")


def _fronts(settings: Settings) -> tuple[Trusted, Trusted]:
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise ConfigurationError("tls_certificate and tls_key go together; one is missing.")
    forwarding = Trusted(settings.forwarded_from, "forwarded_from")
    return forwarding, Trusted(settings.proxy_protocol_from, "proxy_protocol_from")


class Entrance:
    """The way in of one edge. Raises `ConfigurationError` if the settings make none."""

    def __init__(
        self, settings: Settings, folder: DataFolder, web: Web, next_serial: Callable[[], int]
    ) -> None:
        self._forwarding, fronts = _fronts(settings)
        self.certificates: Certificates | None = None
        self.tls: TlsWire | None = None
        if settings.tls_certificate:
            secret = load_or_make_key(folder.secrets / "tickets.key")
            self.certificates = Certificates(settings.tls_certificate, settings.tls_key, secret)
            self.tls = TlsWire(web.counts, settings.edge_tls_unsent_bytes_max)
            web.loop.before_close = self.tls.close
            web.loop.every(_LOOK_S, lambda _now: self._look(web))
        self.arrivals: Arrivals | None = None
        if self.tls is not None or fronts:
            self.arrivals = Arrivals(
                web,
                fronts=fronts,
                certificates=self.certificates,
                tls=self.tls,
                within_ns=round(settings.edge_handshake_s * 1e9),
                handshakes_max=settings.edge_handshakes_max,
                backlog=Backlog(settings.edge_backlog // 2),
                next_serial=next_serial,
            )
            web.loop.every(0.05, self.arrivals.tick)
            web.loop.every(EVERY_S, self.arrivals.look)

    @property
    def direct(self) -> bool:
        """Whether who comes says at once, plainly and for themselves what they want."""
        return self.arrivals is None and not self._forwarding

    def introduce(self, connection: Connection, request: Request) -> None:
        """Note for whom an HTTP front asks; raises `Problem` if that one may not ask."""
        if not self._forwarding:
            return
        front = connection.front or connection.peer
        if front not in self._forwarding:
            return
        connection.front = front
        try:
            peer = self._forwarding.spoken_for(front, request.headers.get("x-forwarded-for", ""))
        except ValueError:
            raise _NOBODY_KNOWN from None
        if peer != connection.peer:
            connection.set_peer(peer)

    def gauges(self) -> Iterator[tuple[str, float]]:
        """Return what `base.metrics.EDGE_TLS_SHOWN` names, as it is now."""
        if self.tls is not None and self.certificates is not None:
            yield "tls_sessions", self.tls.sessions
            yield "tls_unsent_bytes", self.tls.unsent_bytes
            yield "tls_expires_timestamp_seconds", self.certificates.expires_s
            yield "tls_tickets_shared", float(self.certificates.tickets_shared)

    def _look(self, web: Web) -> None:
        assert self.certificates is not None
        self.certificates.look()
        web.counts.tls_reloads = self.certificates.reloads
        web.counts.tls_reloads_failed = self.certificates.reloads_failed
