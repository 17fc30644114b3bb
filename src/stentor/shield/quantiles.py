"""Quantiles of what was measured, in bounded memory, mergeable, and the same to the bit each time.

A t-digest (Dunning and Ertl, 2019), since KLL and the other quantile sketches of the library throw
coins when they compact, so that two readers of one ledger would come to different figures.
"""

import math
from collections.abc import Iterable

import datasketches

COMPRESSION = 100  # 2 KB at most; ranks are right to within a few thousandths, better at the ends


class Quantiles:
    """All that was measured of one thing. Not a number is not measured."""

    def __init__(self) -> None:
        self._digest = datasketches.tdigest_double(COMPRESSION)

    def add(self, values: Iterable[float]) -> None:
        """Take measured values, in an order that is the same each time."""
        for value in values:
            if not math.isnan(value):
                self._digest.update(value)

    def merge(self, data: bytes) -> None:
        """Take what somebody else measured (`encode`); empty is nothing. Raises `ValueError`."""
        if not data:
            return
        try:
            self._digest.merge(datasketches.tdigest_double.deserialize(data))
        except RuntimeError as error:
            raise ValueError(f"no t-digest: {error}") from None

    def __len__(self) -> int:
        """Return how many were measured."""
        return int(self._digest.get_total_weight())

    def at(self, share: float) -> float:
        """Return the value that so large a share is not above; NaN if nothing was measured."""
        if self._digest.is_empty():
            return math.nan
        return float(self._digest.get_quantile(share))

    def rank(self, value: float) -> float:
        """Return which share lies below a value; NaN if nothing was measured."""
        if self._digest.is_empty():
            return math.nan
        return float(self._digest.get_rank(value))

    def encode(self) -> bytes:
        """Return it as bytes that `merge` takes; empty if nothing was measured."""
        return b"" if self._digest.is_empty() else bytes(self._digest.serialize())
