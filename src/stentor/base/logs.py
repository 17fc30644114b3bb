"""The one place where logs are set up: static event names with fields, on standard error.

Repeated events are told once a second with their count; addresses go through `shown_address`.
"""

import contextlib
import logging
import sys
import time
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog

_REPEAT_S = 1.0
_EVENTS_MAX = 512


class _Repeats:
    """Lets one event of a name and level through a second, and counts the others."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(
        self, _logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        key = (method, str(event.get("event")))
        now = time.monotonic()
        last, held = self._seen.get(key, (0.0, 0))
        if method in ("warning", "error") and now - last < _REPEAT_S:
            self._seen[key] = (last, held + 1)
            raise structlog.DropEvent
        if len(self._seen) >= _EVENTS_MAX:
            self._seen.clear()
        self._seen[key] = (now, 0)
        if held:
            event["repeated"] = held
        return event


class _Unfailing:
    """A stream whose writing never raises: a full disk under the log must not stop a part."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def set_up_logs(part: str, *, as_json: bool = False, level: str = "info") -> None:
    """Send this process's logs to standard error, each marked with its `part`."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _Repeats(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            getattr(logging, level.upper(), logging.INFO)
        ),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Unfailing(sys.stderr))),
    )
    structlog.contextvars.bind_contextvars(part=part)


def log() -> Any:
    """Return the logger."""
    return structlog.get_logger()


def shown_address(address: str) -> str:
    """Return an address as a log may hold it: the network, not the person."""
    if ":" in address:
        return ":".join(address.split(":")[:3]) + "::/48"
    return ".".join(address.split(".")[:3]) + ".0/24"
