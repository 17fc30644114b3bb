"""Session tickets that every edge process of a deployment can read, also after a restart.

Python 3.11 cannot set ticket keys, so this reaches OpenSSL's public `SSL_CTX_ctrl` through the
context's pointer, which a contract test holds and which is read back before it is believed. Where
that does not work, tickets are each process's own and who comes back to another shakes hands anew.
"""

import ctypes
import hashlib
import hmac
import ssl
import sys
import sysconfig

PERIOD_S = 86_400
_CHANGE_AT_S = 4 * 3600 + 17 * 60  # in the night of the servers' clock; not on any hour
_KEYS_BYTES = 80  # a name of 16 bytes, an HMAC key of 32, an AES key of 32
_GET_TICKET_KEYS, _SET_TICKET_KEYS = 58, 59  # openssl/tls1.h: SSL_CTRL_*_TLSEXT_TICKET_KEYS
_SUITES = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"


def ticket_period(now_s: float) -> int:
    """Return the number of the day whose keys hold at a Unix time."""
    return int((now_s - _CHANGE_AT_S) // PERIOD_S)


def ticket_keys(secret: bytes, period: int) -> bytes:
    """Return OpenSSL's three ticket keys for one period: whoever has the secret has the same."""
    blocks = (
        hmac.digest(secret, b"tls ticket keys %d %d" % (period, number), hashlib.sha256)
        for number in range(3)
    )
    return b"".join(blocks)[:_KEYS_BYTES]


def share_tickets(context: ssl.SSLContext, keys: bytes) -> bool:
    """Make a context use these ticket keys; say whether it does."""
    library, pointer = _reach(context)
    if library is None:
        return False
    if library.SSL_CTX_ctrl(pointer, _SET_TICKET_KEYS, _KEYS_BYTES, keys) != 1:
        return False
    held = ctypes.create_string_buffer(_KEYS_BYTES)
    library.SSL_CTX_ctrl(pointer, _GET_TICKET_KEYS, _KEYS_BYTES, held)
    return held.raw == keys


def prefer_light_ciphers(context: ssl.SSLContext) -> bool:
    """Prefer AES-128 in TLS 1.3: an eighth less for every byte sent. Say whether it is so."""
    library, pointer = _reach(context)
    return library is not None and library.SSL_CTX_set_ciphersuites(pointer, _SUITES) == 1


def _reach(context: ssl.SSLContext) -> tuple[ctypes.CDLL | None, int]:
    """Return OpenSSL and the context's pointer in it, or None where their place is not known."""
    known = (
        sys.implementation.name == "cpython"
        and (3, 11) <= sys.version_info < (3, 14)
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
    )
    module = getattr(ssl, "_ssl", None)
    path = getattr(module, "__file__", None)
    if not known or path is None:
        return None, 0
    try:
        library = ctypes.CDLL(path)  # finds what the module itself is linked with
        library.SSL_CTX_ctrl.argtypes = (
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_long,
            ctypes.c_char_p,
        )
        library.SSL_CTX_ctrl.restype = ctypes.c_long
        library.SSL_CTX_set_ciphersuites.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
    except (OSError, AttributeError):
        return None, 0
    # PySSLContext: the object's head, then `SSL_CTX *ctx` (Modules/_ssl.c).
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value
    return (library, pointer) if pointer else (None, 0)
