"""The answer of a rehearsal in a real browser: it fits a phone, asks nobody, and can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser

from stentor.rehearsal.answer import Witness
from stentor.rehearsal.judge import make_answer
from stentor.rehearsal.page import answer_page
from support.fleet_course import a_broken_scenario, a_course
from support.legible import faint_texts, nameless
from support.programs import needs_program

pytestmark = needs_program("chromium")
WITNESS = Witness("CPU", "s", 1000, "by TLS", 11.0, 12.0, True, -0.08)


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course, plan = a_course(a_broken_scenario(), waiting=30_000.0, stalled=50_000)
    found = make_answer(course, plan, witnesses=[WITNESS], version="1", again="stentor rehearse x")
    path = tmp_path_factory.mktemp("answer") / "answer.html"
    path.write_text(answer_page(found, course))
    return path


@pytest.mark.parametrize(("width", "scheme", "told"), [(360, "dark", True), (1200, "light", False)])
async def test_page_fits_can_be_read_by_everybody_and_asks_nobody(
    browser: Browser, answer: Path, width: int, scheme: Literal["dark", "light"], told: bool
) -> None:
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: asked.append(message.text))
    await page.goto(answer.as_uri())
    assert asked == [answer.as_uri()]
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await faint_texts(page) == []
    assert await nameless(page) == []
    # On a phone a table's head is not shown: each cell says itself what it is.
    cell = page.locator("table.bars td[data-head]").first
    said = await cell.evaluate("(one) => getComputedStyle(one, '::before').content")
    assert (said != "none") is told
