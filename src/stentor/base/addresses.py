"""Addresses as this machine and its people write them. Looks nothing up."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def reached_at(bind: str) -> str:
    """Return the address at which this machine reaches what listens on `bind`."""
    return _EVERYWHERE.get(bind, bind)


def in_url(address: str) -> str:
    """Return an address as it stands in a URL: IPv6 in brackets (RFC 3986)."""
    return f"[{address}]" if ":" in address else address
