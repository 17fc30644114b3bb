"""Links as signed capabilities: who holds the link may do what it says until it expires.

A token can be checked by any part that has the key, offline: no database, no control. Revocation
is not decided here but from the room's orders (`Seat.revoked`).

    token = base64url(JSON claims) "." base64url(HMAC-SHA-256 over the first part)   (RFC 2104)
"""

import base64
import hashlib
import hmac
from enum import StrEnum

import msgspec

from stentor.rooms.orders import Role

TOKEN_BYTES_MAX = 2_048
ANY_ROOM = "*"  # an operator's link is good for every room


class Link(msgspec.Struct, frozen=True):
    """What a link says of its holder. `expires_ms` is Unix time."""

    id: str
    room: str
    role: Role
    name: str
    expires_ms: int


class LinkRefusal(StrEnum):
    """Why a token is not taken."""

    MALFORMED = "malformed"
    FORGED = "forged"
    EXPIRED = "expired"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Return the bytes; raises `ValueError` for any spelling of them but the one of `_encode`.

    Python takes `+` and `/` too, and does not look at the last character's unused bits.
    """
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encode(data) != text:
        raise ValueError("not base64url")
    return data


def _signature(key: bytes, claims: str) -> bytes:
    return hmac.new(key, claims.encode(), hashlib.sha256).digest()


def sign_link(link: Link, key: bytes) -> str:
    """Return the link's token. `key` is at least 32 bytes of chance."""
    claims = _encode(msgspec.json.encode(link))
    return f"{claims}.{_encode(_signature(key, claims))}"


def verify_link(token: str, key: bytes, now_ms: int) -> Link | LinkRefusal:
    """Return what the token says, or why it is not taken. Never raises."""
    claims, dot, signature = token.partition(".")
    if not dot or len(token) > TOKEN_BYTES_MAX or not token.isascii():
        return LinkRefusal.MALFORMED
    try:
        given = _decode(signature)
    except ValueError:
        return LinkRefusal.MALFORMED
    if not hmac.compare_digest(given, _signature(key, claims)):
        return LinkRefusal.FORGED
    try:
        link = msgspec.json.decode(_decode(claims), type=Link)
    except (ValueError, msgspec.MsgspecError):
        return LinkRefusal.MALFORMED
    return link if now_ms < link.expires_ms else LinkRefusal.EXPIRED
