"""A browser for tests that need only one (support.browser.chromium for those that need more), and
one real server for each file of tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from support.browser import chromium
from support.server import Server, serving
from support.voices import tone_file


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as one:
        yield one


@pytest.fixture
async def page(browser: Browser) -> Page:
    return await browser.new_page()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("serve")) as one:
        yield one


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two recordings that cannot be mistaken for each other: 440 and 1,250 Hz."""
    folder = tmp_path_factory.mktemp("tones")
    return tone_file(folder / "a.wav", 440), tone_file(folder / "b.wav", 1_250)
