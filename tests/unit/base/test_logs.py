"""Logs: one line an event, repeats counted, addresses cut, and nothing that stops a part."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from stentor.base.logs import log, set_up_logs, shown_address


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def logged(monkeypatch: pytest.MonkeyPatch, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    set_up_logs("control", as_json=True, level=level)
    return stream


def test_event_is_one_line_with_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = logged(monkeypatch)
    log().info("listening", address="http://localhost")
    log().debug("not told")
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["part"], event["level"]) == ("listening", "control", "info")


def test_repeated_warning_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = logged(monkeypatch)
    for _ in range(100):
        log().warning("peer lost")
    assert len(stream.getvalue().splitlines()) == 1


def test_log_on_a_full_disk_stops_nobody() -> None:
    program = (
        "from stentor.base.logs import log, set_up_logs; import sys\n"
        "set_up_logs('x')\n"
        "for n in range(5000): log().info('event', n=n)\n"
        "print('went on')\n"
    )
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device, not a path of ours
        done = subprocess.run(
            [sys.executable, "-c", program], stderr=full, stdout=subprocess.PIPE, timeout=60
        )
    assert done.stdout == b"went on\n"


@pytest.mark.parametrize(
    ("address", "shown"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48")],
)
def test_address_in_a_log_is_a_network(address: str, shown: str) -> None:
    assert shown_address(address) == shown
