# ruff: noqa: E501 -- a page's text, as it is read
"""What the report says of kept evenings, whether that is so, and the page of `bench/evenings`.

Reads ledgers by `stentor report` and nothing else; runs no evening.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LEDGER, FACTS = "ledger", "happened.json"
_SIGNS_SHOWN = 2


@dataclass
class Happened:
    """What was so."""

    name: str
    family: str = ""  # of the attack
    crowd: str = ""
    room: str = ""
    machine: str = ""
    sent: int = 0  # by attackers
    people: int = 0
    heard: int = 0
    stalls: int = 0
    first_audio_p95_s: float | None = None


@dataclass
class Judged(Happened):
    """And what was said."""

    word: str = ""
    present: str = ""  # whether attack traffic was
    likelihood: float = 0.0
    because: tuple[str, ...] = field(default=())
    seconds: int = 0
    rightly: str = ""  # right, untold, wrong


def judge(records: Path) -> Judged:
    """Return what the report says of one evening now."""
    found = Judged(**json.loads((records / FACTS).read_text()))
    command = "import sys; from stentor.cli import main; sys.argv[0] = 'stentor'; main()"
    arguments = ["report", found.room, "--ledger", str(records / LEDGER), "--json"]
    told = json.loads(subprocess.check_output([sys.executable, "-c", command, *arguments]))
    verdict = told["verdict"]
    found.word, found.likelihood = verdict["word"], verdict["likelihood"]
    found.present = verdict["answers"][0]["told"]
    found.because = tuple(verdict["answers"][0]["because"])
    found.seconds = told["seconds"]
    found.rightly = "untold"
    if found.present in ("yes", "no"):
        found.rightly = "right" if (found.present == "yes") == bool(found.family) else "wrong"
    return found


def tell(one: Judged) -> str:
    """Return one evening as a line for who watches."""
    return (
        f"{one.name:23} {one.rightly:7} attack there: {one.present} ({one.likelihood:.2f});"
        f" {one.word}; sent {one.sent}, {one.heard} of {one.people} heard, {one.seconds} s"
    )


def _row(one: dict[str, Any]) -> str:
    audio = one["first_audio_p95_s"]
    signs = "; ".join(one["because"][:_SIGNS_SHOWN]) or "–"
    return (
        f"| {one['name']} | {one['sent'] or '–'} | {one['heard']:,} of {one['people']:,} |"
        f" {'–' if audio is None else f'{audio:.2f}'} | {one['stalls']} |"
        f" {one['present']} ({one['likelihood']:.2f}) | {one['rightly']} | {one['word']} | {signs} |"
    )


def _counts(several: list[dict[str, Any]]) -> str:
    told = [one["rightly"] for one in several]
    return f"{told.count('right')} | {told.count('untold')} | {told.count('wrong')}"


def page(told: dict[str, Any]) -> str:
    """Return what was found as Markdown."""
    found = told["found"]
    attacks = [one for one in found if one["family"]]
    crowds = [one for one in found if one["crowd"]]
    called = [one["name"] for one in crowds if one["present"] == "yes"]
    names = f" ({', '.join(called)})" if called else ""
    others = [one for one in found if not one["family"] and not one["crowd"]]
    ran = ", ".join(sorted({one["machine"] for one in found}))
    head = (
        "| evening | attackers' deeds | people who heard | first audio p95, s | stalls |"
        " attack there? | that is | the word | signs |"
    )
    return "\n".join(
        [
            "# Evenings over real sockets, and what the report said",
            "",
            f"`bench/evenings.py --per-s {told['per_s']:g}`, {told['at_once']} at a time, each in a"
            f" network namespace of its own: {ran}. Judged by `bench/evenings.py --judge`:"
            f" {told['judged_by']}.",
            "",
            f"Two edges, watch, ledger and `stentor report`, which reads the ledger and nothing else;"
            f" {told['per_s']:g} people join a second for {told['seconds']:.0f} s and stay. In the"
            f" middle {told['middle_s']:.0f} s of the attack that the first column names, or from"
            " there on the crowd; both as `stentor load attack` and `stentor load crowd` have them,"
            " two or three times the people's pace (a spray or SYN flood: fifty or sixty), and four"
            " times it for a crowd. More come than the doors let in with *hour* and *retry-bug*. The"
            " spray goes to a speaker on a stage beside the edges. Everybody comes from an address of their own, but for *carrier-nat*, and three to a house in *ipv6-privacy*, who come within a tenth of a second.",
            "",
            "| evenings | of them | rightly told | untold | wrongly told |",
            "|---|---|---|---|---|",
            f"| with an attack, of which it is said | {len(attacks)} | {_counts(attacks)} |",
            f"| with a crowd | {len(crowds)} | {_counts(crowds)} |",
            f"| with neither | {len(others)} | {_counts(others)} |",
            "",
            f"Crowds called an attack: {len(called)}{names}."
            " One evening each: this shows that the parts work together, and how often the method"
            " errs is for [many simulated evenings](verdict.md) to say. Small ones, on which little"
            " is to be seen, are harder than large ones. The figure behind an answer is the likelihood by the conduct of"
            " connections; a spray and a SYN flood make none, and go by a rule on the kernel's counters"
            " ([decision 35](../decisions/0035-what-makes-no-connection-goes-by-a-rule.md)).",
            "",
            head,
            "|" + "---|" * (head.count("|") - 1),
            *map(_row, found),
            "",
        ]
    )
