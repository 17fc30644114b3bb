"""Whether a page can be read and used by everybody: contrast, names, width, as computed.

Contrast is WCAG's: 4.5 : 1 for text, 3 : 1 for large text, against what is really behind it.
"""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

NAMED = {"button", "link", "textbox", "combobox", "checkbox", "meter", "dialog", "slider", "img"}

_FAINT = """
() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => [0, 1, 2].map((n) => top[n] * top[3] + below[n] * (1 - top[3]));
    const light = (colour) => {
        const [r, g, b] = colour.map((value) => {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        const layers = [];
        for (let one = node; one; one = one.parentElement)
            layers.push(rgba(getComputedStyle(one).backgroundColor));
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
    };
    const faint = [];
    const judge = (node, words) => {
        const style = getComputedStyle(node);
        const ground = behind(node);
        const ink = over(rgba(style.color), ground);
        const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
        const ratio = (high + 0.05) / (low + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio < (large ? 3 : 4.5)) faint.push(`${words.slice(0, 40)}: ${ratio.toFixed(2)}`);
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let count = 0;
    while (texts.nextNode()) {
        const words = texts.currentNode.textContent.trim();
        const node = texts.currentNode.parentElement;
        if (!words || !node.checkVisibility({ visibilityProperty: true })) continue;
        if (node.closest("button:disabled, noscript, option, .unseen, .skip")) continue;
        judge(node, words);
        count++;
    }
    for (const node of document.querySelectorAll("input, select"))
        if (node.checkVisibility()) judge(node, node.id);
    return [count, faint];
}
"""

_TOO_WIDE = """
() => {
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (wide <= 0) return [];
    return [...document.querySelectorAll("body *")]
        .filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5)
        .map((node) => node.outerHTML.slice(0, 80)).concat(`${wide} px too wide`);
}
"""


async def faint_texts(page: Page) -> list[str]:
    """Return the texts with too little contrast in the page as it is shown now."""
    count, faint = await page.evaluate(_FAINT)
    assert count >= 3, "nothing was there to be read"
    return list(faint)


async def too_wide(page: Page) -> list[str]:
    """Return what makes the page scroll sideways."""
    return list(await page.evaluate(_TOO_WIDE))


async def accessible_nodes(page: Page) -> list[dict[str, Any]]:
    """Return what assistive technology sees: role, name and the rest of each node."""
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    await session.detach()
    return [node for node in tree["nodes"] if not node.get("ignored")]


async def nameless(page: Page) -> list[str]:
    """Return the roles of controls that a screen reader could not name."""
    return [
        role
        for node in await accessible_nodes(page)
        if (role := node.get("role", {}).get("value")) in NAMED
        and not node.get("name", {}).get("value", "").strip()
    ]


async def roles(page: Page) -> set[str]:
    """Return the roles that are on the page."""
    return {node.get("role", {}).get("value", "") for node in await accessible_nodes(page)}
