"""Orders as files: a rename is the message, and whoever reads looks ten times a second.

There is nothing to connect to and nothing to miss: a reader that was away sees the newest orders
when it looks again. A write is on disk before `write` returns.
"""

import contextlib
import os
from pathlib import Path

import msgspec

from stentor.rooms.orders import Orders, decode_orders, encode_orders

_LOOKS_AFTER_CHANGE = 3  # a directory's time stamp is coarse: two renames may share one


class OrdersFolder:
    """Reads and writes the orders of all rooms in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._folder_time = -1
        self._looks_left = 0
        self.unreadable: dict[str, str] = {}  # file name → why, for the log

    def write(self, orders: Orders) -> None:
        """Replace a room's orders; they are on disk when this returns."""
        self.prepare(orders)
        self.publish(orders.room)

    def prepare(self, orders: Orders) -> None:
        """Put new orders on disk where nobody looks yet: what can fail, fails here."""
        scratch = self._folder / f"{orders.room}.new"
        try:
            with scratch.open("wb") as file:
                file.write(encode_orders(orders))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.discard(orders.room)
            raise

    def publish(self, room: str) -> None:
        """Let the orders that were prepared count from now on."""
        (self._folder / f"{room}.new").replace(self._folder / f"{room}.json")
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self, room: str) -> None:
        """Forget orders that were prepared and will not count."""
        with contextlib.suppress(OSError):
            (self._folder / f"{room}.new").unlink()

    def discard_all(self) -> None:
        """Forget whatever an earlier writer had prepared when it died."""
        for scratch in self._folder.glob("*.new"):
            self.discard(scratch.stem)

    def read(self, room: str) -> Orders | None:
        """Return the orders that count for a room, or None if there are none that can be read."""
        try:
            return decode_orders((self._folder / f"{room}.json").read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None

    def changes(self) -> list[Orders]:
        """Return the orders that are new or different since the last call (at first: all).

        Raises OSError if the folder cannot be looked into; what has changed is returned later then.
        A file that is gone is no change: orders stand until others are written.
        """
        folder_time = self._folder.stat().st_mtime_ns
        if folder_time != self._folder_time:
            self._folder_time = folder_time
            self._looks_left = _LOOKS_AFTER_CHANGE
        if self._looks_left == 0:
            return []
        with os.scandir(self._folder) as entries:
            files = [entry for entry in entries if entry.name.endswith(".json")]
        self.unreadable = {
            name: why
            for name, why in self.unreadable.items()
            if any(name == file.name for file in files)
        }
        changed: list[Orders] = []
        unread = 0
        for file in files:
            try:
                status = file.stat()
                mark = (status.st_ino, status.st_mtime_ns, status.st_size)
                if self._seen.get(file.name) == mark:
                    continue
                data = Path(file.path).read_bytes()
            except OSError as error:
                self.unreadable[file.name] = str(error)
                unread += 1  # out of descriptors, perhaps: it is still to be read
                continue
            self._seen[file.name] = mark
            try:
                changed.append(decode_orders(data))
                self.unreadable.pop(file.name, None)
            except msgspec.MsgspecError as error:
                self.unreadable[file.name] = str(error)
        if not unread:
            self._looks_left -= 1
        return changed
