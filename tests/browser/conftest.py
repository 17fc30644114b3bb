"""Browsers and one real server for each file of tests.

What a file's tests share with a browser lives in one event loop, so its tests run in that, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from support.browser import Chromiums, chromiums
from support.server import Server, serving
from support.voices import tone_file

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browsers() -> AsyncIterator[Chromiums]:
    """Where a test borrows browsers that hear something, or that only it can use."""
    async with chromiums() as some:
        yield some


@pytest_asyncio.fixture(loop_scope="module")
async def browser(browsers: Chromiums) -> AsyncIterator[Browser]:
    async with browsers.lent() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
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
