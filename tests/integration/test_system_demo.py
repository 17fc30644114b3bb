"""`./run`: a conversation to listen to, that ends by itself and can be run again."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor.listen.heard import Findings
from support.listeners import Ear, listening
from support.server import COMMAND, Server

DEMO = (*COMMAND, "demo")


def test_demo_can_be_listened_to_and_run_again_on_the_same_folder(tmp_path: Path) -> None:
    first = Server(tmp_path / "data", command=DEMO).start()
    room = first.addresses["room"]
    try:
        with listening(first.url(f"/r/{room}")) as (ear,):
            ear.wait(_is_a_conversation, 20, "voices are heard, and seen to speak")
            assert ear.findings.gaps == 0
    finally:
        assert first.stop() == 0
    assert "Traceback" not in first.log()

    second = Server(tmp_path / "data", command=DEMO).start()
    try:
        again = second.addresses["room"]
        assert again != room
        with listening(second.url(f"/r/{again}"), seconds=8) as (ear,):
            ear.wait_parts(3)
    finally:
        assert second.process is not None
        second.process.send_signal(signal.SIGINT)
        assert second.stop() == 0


def _is_a_conversation(ear: Ear) -> bool:
    found = ear.heard.findings if ear.heard is not None else Findings()
    speaking = any(one.speaking for state in ear.states for one in state.stage)
    return speaking and found.audio_s > 5 and found.silent_s < found.audio_s / 2


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder with a short name: a socket's address has 108 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="s") as folder:
        yield Path(folder)


def test_demo_ends_by_itself_and_leaves_nothing_behind(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", None)
    demo = Server(tmp_path / "unused", command=DEMO, options=("--seconds", "2"), data_option=False)
    demo.start()
    assert demo.process is not None
    assert demo.process.wait(60) == 0
    demo.stop()
    assert list(scratch.iterdir()) == []
