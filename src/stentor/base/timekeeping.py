"""Whether something keeps this machine's clock right, as the kernel sees it by adjtimex(2).

Reads and sets nothing. Where the kernel may not be asked, nothing is known.
"""

import ctypes
import ctypes.util
from dataclasses import dataclass

_UNSYNCHRONISED = 0x0040  # STA_UNSYNC of linux/timex.h
_TIME_ERROR = 5
_RESERVED_BYTES = 256  # struct timex is shorter everywhere, and is written to by the kernel only


class _Timex(ctypes.Structure):
    """The beginning of `struct timex` (adjtimex(2)); what follows is not looked at."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),  # microseconds
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * _RESERVED_BYTES),
    ]


@dataclass(frozen=True, slots=True)
class Timekeeping:
    """`error_s` is how far off the clock may be at most, where it is kept."""

    synchronised: bool | None
    error_s: float | None = None


def read_timekeeping() -> Timekeeping:
    """Return how the clock is kept; None where the kernel may not be asked."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return Timekeeping(None)
    state = _Timex()
    told = adjtimex(ctypes.byref(state))
    if told < 0:
        return Timekeeping(None)
    if told == _TIME_ERROR or state.status & _UNSYNCHRONISED:
        return Timekeeping(False)
    return Timekeeping(True, state.maxerror / 1e6)
