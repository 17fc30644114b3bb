"""What every test has: markers that skip visibly where this machine lacks something."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from support.machine import Machine, watched_machine

# An example has no clock: where the machine stalls for a second nothing is wrong with the code. And
# a test tries the same examples each time, whoever runs it.
settings.register_profile("stentor", deadline=None, derandomize=True)
settings.load_profile("stentor")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # In a shell's background; whatever tests start would never hear Ctrl-C either.
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["support.second_chance", "support.side_by_side"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs_program"):
        missing = [program for program in marker.args if shutil.which(program) is None]
        if missing:
            pytest.skip(f"not on this machine: {', '.join(missing)} (as root, ./test installs it)")
    if item.get_closest_marker("needs_root") and os.geteuid() != 0:
        pytest.skip("needs root")


@pytest.fixture
def machine() -> Iterator[Machine]:
    """What this machine holds up while the test runs."""
    with watched_machine() as one:
        yield one
