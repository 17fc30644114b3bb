"""Which of many belong together, in one sort instead of a search for each group. Pure."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def grouped(keys: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each key in order, with where it stands; those are in order too."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    different, begins = np.unique(keys[order], return_index=True)
    yield from zip(different.tolist(), np.split(order, begins[1:]), strict=True)
