"""The studio as a person uses it: by its buttons and labels, never by its modules."""

from __future__ import annotations

from playwright.async_api import Page

from support.ears import until

OTHERS = "#return"  # the element that plays what comes back from the stage
_SEATED = """
[...document.querySelectorAll('#people li')].some((one) =>
    one.querySelector('.name').textContent.endsWith('(you)') && one.dataset.state === 'here')
"""
TREATMENTS = ("echoCancellation", "noiseSuppression", "autoGainControl")


async def open_studio(page: Page, link: str) -> None:
    """Open a link and wait until the page knows whose it is."""
    await page.goto(link)
    await until(page, "document.querySelector('#whom').textContent !== ''")


async def turn_on_microphone(page: Page, *, plain: bool = True) -> None:
    """Let the page hear; `plain` keeps the browser from taking tones for noise."""
    await page.get_by_role("button", name="Turn on the microphone").click()
    await until(page, "!document.querySelector('#sound').hidden")
    if plain:
        for name in TREATMENTS:
            await page.uncheck(f"#{name}")


async def enter_stage(page: Page, link: str) -> None:
    """Open a link, turn on the microphone, and go on the stage."""
    await open_studio(page, link)
    await turn_on_microphone(page)
    await page.click("#join")
    await on_stage(page)


async def on_stage(page: Page, timeout_s: float = 8) -> None:
    """Return once the stage has this page's voice."""
    await until(page, "document.body.dataset.call === 'on'", timeout_s)
    await until(page, _SEATED, timeout_s)


async def seat_is(page: Page, name: str, state: str, timeout_s: float = 5) -> None:
    """Return once the list of people shows somebody as here, away, expected or removed."""
    found = f"""
    [...document.querySelectorAll('#people li')].some((one) =>
        one.querySelector('.name').textContent === {name!r} && one.dataset.state === {state!r})
    """
    await until(page, found, timeout_s)


async def to_seat(page: Page, act: str, name: str) -> None:
    """Press a seat's button."""
    await page.get_by_role("button", name=f"{act} {name}", exact=True).click()


async def choose(page: Page, choice: str) -> None:
    """Answer the dialog that is open."""
    await page.get_by_role("dialog").get_by_role("button", name=choice, exact=True).click()


async def trouble(page: Page, timeout_s: float = 5) -> str:
    """Return what the page says stands in the way, once it says something."""
    text = "document.querySelector('#trouble:not([hidden]) #trouble-text')?.textContent"
    return str(await until(page, text, timeout_s))
