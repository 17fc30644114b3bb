"""Certificates made on the spot, and clients that greet with TLS or a PROXY header first."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


class Pair:
    """A certificate for localhost and its key, as files that a setting can name."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / "fullchain.pem"
        self.key = folder / "privkey.pem"
        self.serial = 0
        self.renew()

    def renew(self, days: float = 30, key: rsa.RSAPrivateKey | None = None) -> int:
        """Replace both, as certbot does; return the new serial number."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        address = ipaddress.ip_address("127.0.0.1")
        names = [x509.DNSName("localhost"), x509.IPAddress(address)]
        self.serial = x509.random_serial_number()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(self.serial)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return self.serial

    @property
    def settings(self) -> dict[str, str]:
        return {"tls_certificate": str(self.certificate), "tls_key": str(self.key)}


class Greeting:
    """Wraps a client's socket; remembers the last session, to come back with it."""

    def __init__(self, pair: Pair, *, returns: bool = False, first: bytes = b"") -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.load_verify_locations(pair.certificate)
        self.context.set_alpn_protocols(["h2", "http/1.1"])
        self._returns = returns
        self._first = first
        self.session: ssl.SSLSession | None = None
        self.last: ssl.SSLSocket | None = None

    def __call__(self, plain: socket.socket) -> ssl.SSLSocket:
        if self._first:
            plain.sendall(self._first)
        self.last = self.context.wrap_socket(
            plain, server_hostname="localhost", session=self.session if self._returns else None
        )
        return self.last

    def keep(self) -> None:
        """Keep the ticket of the last connection, which came with the first answer."""
        assert self.last is not None
        self.session = self.last.session
        self._returns = True
