"""When a certificate ends, read from its bytes: pure, and no more of X.509 than that.

Python's `ssl` tells it only of certificates that it verified; a library would cost every edge
process twelve megabytes.
"""

import ssl
from datetime import UTC, datetime

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_VERSION, _UTC_TIME = 0xA0, 0x17


def certificate_expiry_s(pem: str) -> float:
    """Return the Unix time at which the first certificate of a PEM file ends.

    Its place is RFC 5280 4.1: the second time of the fourth field after the version. Raises
    `OSError` if there is none.
    """
    start, end = pem.find(_BEGIN), pem.find(_END)
    try:
        der = ssl.PEM_cert_to_DER_cert(pem[start : end + len(_END)])
        _, certificate, _ = _take(der)
        _, signed, _ = _take(certificate)
        kind, _, rest = _take(signed)
        if kind == _VERSION:
            _, _, rest = _take(rest)  # the serial number
        for _ in range(2):  # the algorithm, the issuer
            _, _, rest = _take(rest)
        _, validity, _ = _take(rest)
        _, _, rest = _take(validity)
        kind, text, _ = _take(rest)
        form = "%y%m%d%H%M%SZ" if kind == _UTC_TIME else "%Y%m%d%H%M%SZ"
        return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC).timestamp()
    except (ValueError, IndexError) as error:
        raise OSError(f"no certificate: {error}") from None


def _take(data: bytes) -> tuple[int, bytes, bytes]:
    """Return the kind and content of the DER value at the start, and what comes after it."""
    kind, size, at = data[0], data[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(data[2:at], "big")
    if len(data) < at + size:
        raise ValueError("cut off")
    return kind, data[at : at + size], data[at + size :]
