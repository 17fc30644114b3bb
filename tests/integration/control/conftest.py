"""One control process for the tests of a file that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.control import ControlProcess, controlling


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlProcess]:
    with controlling(tmp_path_factory.mktemp("control")) as process:
        yield process
