"""A browser for tests that need only one; support.browser.chromium for those that need more."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from support.browser import chromium


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as one:
        yield one


@pytest.fixture
async def page(browser: Browser) -> Page:
    return await browser.new_page()
