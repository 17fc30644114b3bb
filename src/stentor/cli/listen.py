"""`stentor listen`: not written yet."""

from stentor.base.errors import UnavailableError


def listen() -> None:
    """Not written yet."""
    raise UnavailableError("Not written yet.")
