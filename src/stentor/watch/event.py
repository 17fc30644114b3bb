"""The secret of one event, under which networks are named: when it is made anew, and the old ended.

A new event is when no room is live or near its hour and the key is old. Whoever has the records
but not the key can tell no address; nobody has the old key any more, this machine included.
"""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from stentor.base.errors import ConfigurationError
from stentor.base.ids import RandomBytes
from stentor.base.logs import log
from stentor.base.secrets import load_or_make_key, load_secret, replace_secret
from stentor.rooms.orders import Orders, Phase
from stentor.shield.keys import EVENT_KEY_BYTES, EventKey

KEY_AGE_MS_MIN = 12 * 3_600_000
NEAR_MS = 3_600_000


def is_between_events(rooms: Iterable[Orders], now_ms: int) -> bool:
    """Say whether no room is live or within an hour of its hour."""
    return not any(
        orders.phase(now_ms) is Phase.LIVE
        or (orders.phase(now_ms) is Phase.SCHEDULED and orders.epoch_ms - now_ms < NEAR_MS)
        or (orders.end_ms is not None and 0 <= now_ms - orders.end_ms < NEAR_MS)
        for orders in rooms
    )


class EventKeys:
    """The event's key on disk."""

    def __init__(self, path: Path, random_bytes: RandomBytes = os.urandom) -> None:
        self._path = path
        self._random_bytes = random_bytes
        self.key = EventKey(load_or_make_key(path, random_bytes))

    def look(self, rooms: Iterable[Orders], now_ms: int) -> bool:
        """Make a new key if this is a new event; say whether it was."""
        try:
            age_ms = now_ms - self._path.stat().st_mtime_ns // 1_000_000
            if age_ms < KEY_AGE_MS_MIN or not is_between_events(rooms, now_ms):
                return False
            self._replace()
        except FileNotFoundError:  # somebody took it away: a new one, then
            self.key = EventKey(load_or_make_key(self._path, self._random_bytes))
        except (OSError, ConfigurationError) as error:
            log().warning("event_key_not_replaced", why=str(error))
            return False
        log().info("event_key_replaced", key=self.key.id)
        return True

    def _replace(self) -> None:
        """Put a new key in place of the old one, and write over the old one's bytes."""
        old = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW)
        try:
            replace_secret(self._path, self._random_bytes(EVENT_KEY_BYTES))
            with contextlib.suppress(OSError):
                os.pwrite(old, bytes(EVENT_KEY_BYTES), 0)
                os.fsync(old)
        finally:
            os.close(old)
        self.key = EventKey(load_secret(self._path) or self.key.key)
