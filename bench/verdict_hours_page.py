"""Writes what `bench/verdict_hours.py` found as a page. Computes nothing new."""

# ruff: noqa: E501 -- lines of a page

from collections.abc import Mapping
from typing import Any

from verdict_page import WORDS, confusion_table, percent, share


def _presence(name: str, one: Mapping[str, Any]) -> str:
    return (
        f"| {name} | {one['balanced']:.3f} | {one['found']}, {one['untold_attacks']},"
        f" {one['missed']} | {one['accused']}, {one['untold_harmless']}, {one['cleared']} |"
    )


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


def page(found: Mapping[str, Any]) -> str:
    """Return the whole page."""
    alarms = found["alarms"]
    crowds = share(found["crowds_accused"], found["crowds"])
    lines = [
        "# The verdict on evenings of an hour",
        "",
        f"Written by `{found['command']}` on {found['when']}, commit {found['commit']}. Fitted to"
        f" {found['training']} evenings a class of seed {found['trained_on']}, measured on {found['events']} a"
        f" class of seed {found['seed']}; each attack is judged by a method that was fitted without its family."
        " Intervals are 95 % (Wilson).",
        "",
        "Evenings of the [large evaluation](verdict.md) last 100 s, as all that a crowd, an attack and a fault do is"
        " in them. Real ones last an hour and more, and what stands out by chance grows with the time that there is"
        " for it: so from five minutes on a report goes by floors and bounds that were fitted to these. They begin 4"
        " to 15 minutes before the hour, half of the people come at any time of it, and an attack of up to five"
        " minutes begins at the hour or anywhere.",
        "",
        "| evenings | balanced accuracy of those said | attacks: told, untold, missed | others: accused, untold, cleared |",
        "|---|---|---|---|",
        _presence("an hour", found["presence"]),
        _presence("… attacks of people's demand or ten times that", found["presence_from_1"]),
        _presence(
            "… judged by the method that was fitted to minutes", found["presence_by_minutes"]
        ),
        _presence(
            f"their first quarter of an hour ({found['quarters']} evenings)",
            found["presence_of_quarters"],
        ),
        "",
        f"Crowds called an attack: {found['crowds_accused']} of {found['crowds']} ({percent(crowds)}).",
        "",
        "![Reliability of the likelihood, and balanced accuracy](hours.svg)",
        "",
        "## The word",
        "",
        *confusion_table(found["confusion"]),
        "",
        "| said | was so |",
        "|---|---|",
        *(
            f"| {word} | {one['hits']} of {one['n']}: {percent(one)} |"
            for word, one in ((word, found["words_said"].get(word)) for word in WORDS)
            if one
        ),
        "",
        "## Alarms while it goes on",
        "",
        "The operator's page says within seconds that a second looks like an attack; nothing acts on it. Its floors are"
        " those of 100 s, of which one harmless evening in twenty-five has an alarm:",
        "",
        "| what | measured |",
        "|---|---|",
        f"| alarms in an hour without an attack | {alarms['wrong'] / max(1, alarms['hours']):.2f}"
        f" ({alarms['wrong']} in {alarms['hours']} hours, {alarms['hours_with_one']} of them with any) |",
        f"| attacks of people's demand or more: seen within a minute | {alarms['seen']} of"
        f" {alarms['seen'] + alarms['unseen']} |",
        f"| … after | p50 {_seconds(alarms['p50_s'])}, p95 {_seconds(alarms['p95_s'])} |",
        "",
    ]
    return "\n".join(lines)
