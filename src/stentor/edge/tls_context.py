"""The certificate in use: loaded, replaced when its files change, and kept when the new is broken.

Decides what is spoken: TLS 1.2 or newer, HTTP/1.1, no renegotiation, no compression, no early data
(a request that can be replayed would join twice), tickets that all edges share.
"""

import ssl
import time
from collections.abc import Callable
from pathlib import Path

from stentor.base.errors import ConfigurationError
from stentor.base.logs import log
from stentor.edge.tls_expiry import certificate_expiry_s
from stentor.edge.tls_tickets import (
    prefer_light_ciphers,
    share_tickets,
    ticket_keys,
    ticket_period,
)

_WARN_S = 14 * 86_400
_WARN_AGAIN_S = 86_400
_OP_PRIORITIZE_CHACHA = 0x0020_0000  # openssl/ssl.h: who has no AES in hardware gets ChaCha20
_Stamp = tuple[tuple[int, int, int], ...]


def make_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a server's context; raises `OSError`, as `ssl.SSLError` is, for a bad pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= (
        ssl.OP_NO_RENEGOTIATION
        | ssl.OP_NO_COMPRESSION
        | ssl.OP_CIPHER_SERVER_PREFERENCE
        | _OP_PRIORITIZE_CHACHA
    )
    context.set_alpn_protocols(["http/1.1"])
    context.num_tickets = 1  # the second of OpenSSL's two costs a quarter of a handshake
    prefer_light_ciphers(context)

    def no_password() -> bytes:
        raise ssl.SSLError("the key is protected by a password")

    context.load_cert_chain(certificate, key, password=no_password)
    return context


class Certificates:
    """The context for whoever comes next."""

    def __init__(
        self,
        certificate: str,
        key: str,
        ticket_secret: bytes,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Load the pair; raises `ConfigurationError` if there is none to begin with."""
        self._certificate, self._key = Path(certificate), Path(key)
        self._secret = ticket_secret
        self._now_s = now_s
        self._warned_s = 0.0
        self.reloads = 0
        self.reloads_failed = 0
        self.tickets_shared = False
        self._period = ticket_period(now_s())
        try:
            self._stamp = self._look()
            self.context, self.expires_s = self._load()
        except OSError as error:
            raise ConfigurationError(
                f"TLS cannot be spoken with {certificate} and {key}: {error.strerror or error}."
            ) from None
        if not self.tickets_shared:
            log().warning("tls_tickets_not_shared", why="this Python or OpenSSL is not known")
        self._warn()

    def look(self) -> None:
        """Take a new pair if there is one, and the day's ticket keys; called every few seconds."""
        period = ticket_period(self._now_s())
        if period != self._period:
            self._period = period
            self._share(self.context)
        self._warn()
        try:
            stamp = self._look()
        except OSError as error:
            if self._stamp:
                self._stamp = ()
                self._refused(error)
            return
        if stamp == self._stamp:
            return
        self._stamp = stamp  # a broken pair is told once, and tried again when it changes
        try:
            self.context, self.expires_s = self._load()
        except OSError as error:
            self._refused(error)
            return
        self.reloads += 1
        log().info("tls_certificate_replaced", expires_s=round(self.expires_s))

    def _load(self) -> tuple[ssl.SSLContext, float]:
        context = make_context(self._certificate, self._key)
        expires_s = certificate_expiry_s(self._certificate.read_text("ascii", "replace"))
        self._share(context)
        return context, expires_s

    def _share(self, context: ssl.SSLContext) -> None:
        self.tickets_shared = share_tickets(context, ticket_keys(self._secret, self._period))

    def _look(self) -> _Stamp:
        found = (path.stat() for path in (self._certificate, self._key))
        return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)

    def _refused(self, error: OSError) -> None:
        self.reloads_failed += 1
        log().error(
            "tls_certificate_refused", why=str(error.strerror or error), keeps="the old one"
        )

    def _warn(self) -> None:
        now_s = self._now_s()
        left_s = self.expires_s - now_s
        if left_s < _WARN_S and now_s - self._warned_s >= _WARN_AGAIN_S:
            self._warned_s = now_s
            log().warning("tls_certificate_expires", in_days=round(left_s / 86_400, 1))
