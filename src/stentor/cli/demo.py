"""`stentor demo`: not written yet."""

from stentor.base.errors import UnavailableError


def demo() -> None:
    """Not written yet."""
    raise UnavailableError("Not written yet.")
