"""`stentor settings`: every setting with its value here, its bounds and what it is for."""

from dataclasses import fields
from typing import Annotated

import typer

from stentor.base.settings import PREFIX, Settings, load_settings


def _bound(value: float | None) -> str:
    return "" if value is None else f"{int(value)}" if value == int(value) else f"{value}"


def _bounds(low: float | None, high: float | None) -> str:
    if high is None:
        return "" if low is None else f"≥ {_bound(low)}"
    return f"{_bound(low)} to {_bound(high)}".strip()


def settings_table() -> str:
    """Return the reference of all settings as a Markdown table."""
    rows = ["| setting | default | bounds | what it is for |", "|---|---|---|---|"]
    for one in fields(Settings):
        unit = one.metadata["unit"]
        default = f"{one.default!s}{f' {unit}' if unit else ''}" if one.default != "" else "–"
        bounds = _bounds(one.metadata["minimum"], one.metadata["maximum"])
        name = f"`{PREFIX}{one.name.upper()}`"
        rows.append(f"| {name} | {default} | {bounds} | {one.metadata['about']} |")
    return "\n".join(rows) + "\n"


def settings(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The reference with defaults, as docs/settings.md.")
    ] = False,
) -> None:
    """Show every setting, as the environment has it now."""
    if markdown:
        typer.echo(settings_table(), nl=False)
        return
    now = load_settings()
    for one in fields(Settings):
        value = getattr(now, one.name)
        mark = "*" if value != one.default else " "
        typer.echo(f"{mark} {PREFIX}{one.name.upper()}={value}")
        typer.echo(f"      {one.metadata['about']}")
