"""A load goes to loopback and nowhere else."""

from __future__ import annotations

import pytest

from stentor.base.errors import StentorError, UsageError
from stentor.load.target import read_target


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8000/r/hall", "127.0.0.1"),
        ("http://localhost:8000/r/hall", "127.0.0.1"),
        ("http://127.9.8.7:8000/r/hall/live.mp4?rendition=opus24", "127.9.8.7"),
        ("http://[::1]:8000/r/hall", "::1"),
    ],
)
def test_loopback_is_a_target(url: str, address: str) -> None:
    target = read_target(url)
    assert (target.address, target.port, target.room) == (address, 8000, "hall")


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1:8000/r/hall",
        "http://10.0.0.1/r/hall",
        "http://0.0.0.0:8000/r/hall",
        "http://[2001:db8::1]:8000/r/hall",
        "http://[::ffff:192.0.2.1]:8000/r/hall",
        "http://169.254.1.1/r/hall",
    ],
)
def test_other_machines_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not loopback"):
        read_target(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/",
        "ftp://127.0.0.1:8000/r/hall",
        "http://127.0.0.1:8000/r/../x",
        "http://127.0.0.1:8000/r/hall?rendition=flac",
    ],
)
def test_what_is_no_room_is_refused(url: str) -> None:
    with pytest.raises(StentorError):
        read_target(url)
