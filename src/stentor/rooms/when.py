"""When a room begins, as people write it: `now`, `+10m`, or a date and time with its zone."""

import re
from datetime import datetime

from stentor.rooms.changes import START_DELAY_MS

_AFTER = re.compile(r"\+(\d{1,6})\s*([smhd])\Z", re.ASCII)
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
HOW = "Write `now`, `+10m` (s, m, h or d), or a date, time and zone such as 2026-12-01T20:00Z."


def parse_when(text: str, now_ms: int) -> int | str:
    """Return the time that `text` means in Unix milliseconds, or a sentence why none."""
    text = text.strip()
    if text == "now":
        return now_ms + START_DELAY_MS
    after = _AFTER.match(text)
    if after:
        return now_ms + int(after[1]) * _UNIT_MS[after[2]]
    try:
        moment = datetime.fromisoformat(text[:64])
        if moment.tzinfo is None:
            return f"{text[:64]!r} does not say in which time zone. {HOW}"
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return f"{text[:64]!r} is not a time. {HOW}"
