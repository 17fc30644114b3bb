"""Where a server's listeners connect and what they say there. Loopback only."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One server as its listeners see it."""

    port: int
    protocol: str  # of readers.READERS
    request: bytes
    target_s: float  # what a joiner keeps of its first burst
    tls: bool = False
    address: str = "127.0.0.1"

    def secure(self) -> ssl.SSLContext | None:
        """Return how a client speaks TLS to it: TLS 1.3, full handshakes, nobody verified."""
        if not self.tls:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


def get(path: str) -> bytes:
    """Return a request."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
