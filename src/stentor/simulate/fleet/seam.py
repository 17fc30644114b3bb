"""Where harm meets the fleet: what those who break or attack it may ask, read and do, and when.

Everything else goes through `Scene`: its methods cut, lose and restore; the columns of its `edges`
(`slow`, `extra_s`, `guests`, `idle`, `others_asked`) take what harm costs. Decides nothing.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stentor.simulate.fleet.people import Millis, Rows
from stentor.simulate.fleet.scene import Scene


class Harm(Protocol):
    """Somebody who does harm. Seeded by `scene.harm` alone, so that people stay the same."""

    def tick(self, scene: Scene, begin_ms: int) -> None:
        """Act in the 250 ms that begin now, before people do."""
        ...

    def bars(
        self, scene: Scene, rows: Rows, edges: NDArray[np.int64], came_ms: Millis
    ) -> NDArray[np.bool_] | None:
        """Say which of the people who come to these edges are kept out; None: nobody is.

        They come again in some seconds. What refusing them costs goes to `edges.extra_s`.
        """
        ...

    def seen(
        self, scene: Scene, rows: Rows, edges: NDArray[np.int64], line: NDArray[np.bool_]
    ) -> None:
        """Let those be told who were put into `scene.knocks` with a row below `NOBODY`.

        `line` says which machines have one.
        """
        ...

    def second(self, scene: Scene) -> None:
        """See how the second went, right after the ladders have decided."""
        ...
