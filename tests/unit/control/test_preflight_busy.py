"""Pre-flights take a worker's thread for seconds: only so many are made at once."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from stentor.base.clock import SystemClock
from stentor.base.errors import Problem
from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.control import preflight
from stentor.control.access import Caller
from stentor.control.serve import open_control
from stentor.rooms.acts import OPERATOR


async def test_one_more_than_may_be_made_at_once_is_asked_to_come_again(tmp_path: Path) -> None:
    control = open_control(Settings(data=str(tmp_path)), DataFolder(tmp_path), SystemClock())
    async with AsyncExitStack() as others:
        others.callback(control.desk.close)
        for _ in range(preflight.GATHERING_MAX):
            assert not preflight._gathering.locked()
            await others.enter_async_context(preflight._gathering)
        with pytest.raises(Problem) as refused:
            await preflight.get_preflight(control, Caller(OPERATOR), "a-room", 5)
        assert (refused.value.status, refused.value.kind) == (503, "busy")
    assert not preflight._gathering.locked()
