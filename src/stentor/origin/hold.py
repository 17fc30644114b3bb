"""The hold tune as samples: mapped, not read, with the kernel told to have it ready.

A tune may be 58 MB and a room has one; without the advice each first look at a page of it waits for
the disk, in the loop that sends parts.
"""

import mmap
from pathlib import Path

import numpy as np

from stentor.origin.timeline import Pcm


def read_hold(path: Path) -> Pcm:
    """Return the tune at `path`; raises OSError or ValueError if there is none to be played."""
    with path.open("rb") as file:
        tune = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    tune.madvise(mmap.MADV_WILLNEED)
    return np.frombuffer(tune, np.int16, count=len(tune) // 2)
