"""The ledger's newest head for the audience: who listens can tell later whether it was cut.

It rides along with what is told of a room anyway; a file that is not there or cannot be read is
no head, and nobody waits for one.
"""

from pathlib import Path

import msgspec

from stentor.rooms.state import Witness, decode_witness

_LOOK_NS = 1_000_000_000
_BYTES_MAX = 4_096


class WitnessFile:
    """Looks at most once a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked_ns = -_LOOK_NS
        self._known = 0
        self._newest: Witness | None = None

    def newest(self, now_ns: int) -> Witness | None:
        """Return the newest head that there is, if any."""
        if abs(now_ns - self._looked_ns) < _LOOK_NS:
            return self._newest
        self._looked_ns = now_ns
        try:
            status = self._path.stat()
            if status.st_mtime_ns != self._known and status.st_size <= _BYTES_MAX:
                self._known = status.st_mtime_ns
                self._newest = decode_witness(self._path.read_bytes())
        except (OSError, msgspec.MsgspecError):
            pass
        return self._newest
