"""`stentor speak`: not written yet."""

from stentor.base.errors import UnavailableError


def speak() -> None:
    """Not written yet."""
    raise UnavailableError("Not written yet.")
