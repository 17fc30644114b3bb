#!/usr/bin/env python
"""How good the verdict is: simulated evenings, judged by methods that never saw their like.

    bench/verdict.py [--events 300] [--seed 3] [--training 200] [--trained-on 11] [--processes 2]
                     [--keep FOLDER] [--note TEXT] [--write]

Runs so many evenings a class through the production core under virtual time, once to fit the method
and once, with another seed, to measure it; with `--write` it writes docs/benchmarks/verdict.md,
.json and .svg and the method that is shipped (src/stentor/evidence/method.py,
src/stentor/shield/floors.py): the one that was measured. `--keep` keeps the runs between
measurements. Figures depend on the seeds and the code only, not on the machine.
"""

import argparse
import json
import math
import multiprocessing
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs
from verdict_carriers import EVENINGS, carrier_harm
from verdict_carriers import said as carriers_said
from verdict_events import Harm, Row, run_events
from verdict_measure import (
    HARMLESS,
    Judged,
    balanced_words,
    baselines,
    calibration,
    confusion,
    detection,
    fitted,
    floors_of,
    forced,
    judge_all,
    presence,
    ratio_of,
    words_said,
)
from verdict_page import page, percent, plot, share
from verdict_sizes import late_lines, told_line, told_lines

from stentor.evidence.verdict import judge, was_so
from stentor.evidence.weighing import Method
from stentor.evidence.words import Told, Word
from stentor.simulate.attackers import FAMILIES
from stentor.simulate.draw import SMALL, Kind, prepared, settled
from stentor.simulate.evening import Evening
from stentor.simulate.truth import fared

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "benchmarks"
_PREPARED_EVENINGS = 60
_DEFENDED_EVENINGS = 99
_SMALL_EVENINGS = 99  # a class


def _prepared(job: tuple[int, int, Method]) -> tuple[bool, str]:
    """Return whether a prepared mimic's evening failed, and what was said of it."""
    n, seed, method = job
    event = prepared(settled(Kind.MIMIC, n, seed)[0])
    outcome = Evening(event).run()
    return fared(outcome, event.end_s).failed, judge(outcome.seconds, method).word.value


def _defended(row_job: tuple[int, int]) -> tuple[str, float, float]:
    """Return how many people an attack harmed with the shield and without it, same seed."""
    n, seed = row_job
    event = settled(Kind.ATTACK, n, seed)[0]
    on = fared(Evening(event).run(), event.end_s).share
    off = fared(Evening(event, shielded=False).run(), event.end_s).share
    assert event.attack is not None
    return event.attack.family.value, on, off


def _harm_lines(rows: Sequence[Row], carriers: Sequence[Harm]) -> list[tuple[str, int, str]]:
    lines = []
    for name, kinds in (
        ("crowds: an address of their own", (Kind.CROWD,)),
        ("attacks, within capacity", (Kind.ATTACK,)),
        ("both", (Kind.BOTH,)),
        ("perfect mimics", (Kind.MIMIC,)),
    ):
        harms = [row.harm for row in rows if row.kind in kinds]
        n, refused = sum(one.people for one in harms), sum(one.refused for one in harms)
        lines.append((name, n, percent(share(refused, n))))
    n, refused = sum(one.people for one in carriers), sum(one.refused for one in carriers)
    lines.append(
        ("one bot among a hundred behind a carrier: others", n, percent(share(refused, n)))
    )
    n, refused = sum(one.shared for one in carriers), sum(one.shared_refused for one in carriers)
    lines.append(("… behind the carrier", n, percent(share(refused, n))))
    return lines


def _delays(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    lines = {}
    for ratio, name in ((0.1, "a tenth"), (1.0, "as much"), (10.0, "ten times")):
        delays = found["delays"].get(ratio, [])
        if delays:
            lines[name] = {
                "n": len(delays),
                "p50_s": float(np.percentile(delays, 50)),
                "p95_s": float(np.percentile(delays, 95)),
                "missed": found["missed"].get(ratio, 0),
            }
    return lines


def _families(judged: Sequence[Judged]) -> list[tuple[str, str, str, str]]:
    lines = []
    for family in FAMILIES:
        cells = []
        for ratio in (0.1, 1.0, 10.0):
            told = Counter(
                one.told
                for one in judged
                if one.row.family is family and ratio_of(one.row) == ratio
            )
            cells.append(f"{told[Told.YES]}, {told[Told.UNTOLD]}, {told[Told.NO]}")
        lines.append((family.value, *cells))
    return lines


def _mimics(judged: Sequence[Judged], after: Sequence[tuple[bool, str]]) -> dict[str, Any]:
    mimics = [one for one in judged if one.row.kind is Kind.MIMIC]
    words = Counter(one.verdict.word for one in mimics)
    failed = [one for one in mimics if one.row.failed_share > 0.05]
    harms = [one.row.harm for one in mimics]
    return {
        "untold": share(words[Word.UNTOLD], len(mimics)),
        "untold_failed": share(sum(one.verdict.word is Word.UNTOLD for one in failed), len(failed)),
        "accused": sum(words[one] for one in (Word.ATTACK, Word.BOTH, Word.WITHSTOOD)),
        "crowd": words[Word.CROWD],
        "quiet": words[Word.QUIET],
        "own": words[Word.OWN],
        "either": words[Word.EITHER],
        "prepared": share(
            sum(word == Word.UNTOLD for failed, word in after if failed),
            sum(failed for failed, _ in after),
        ),
        "people_in": sum(one.in_60 for one in harms)
        / max(1, sum(one.people + one.shared for one in harms)),
        "bots_in": sum(one.bots_in for one in harms) / max(1, sum(one.bots for one in harms)),
    }


def _others(mimic: dict[str, Any]) -> str:
    """Return what was said of the mimics of whom anything was said."""
    words = ("accused", "crowd", "quiet", "own", "either")
    names = (
        *("called an attack", "called a crowd", "quiet, as nothing failed", "our own fault"),
        "too many, attack or not",
    )
    said = [f"{mimic[word]} {name}" for word, name in zip(words, names, strict=True) if mimic[word]]
    return ", ".join(said) or "none"


def _by_family(defended: Sequence[tuple[str, float, float]]) -> list[tuple[str, str, str]]:
    lines = []
    for family in FAMILIES:
        ones = [(on, off) for name, on, off in defended if name == family.value]
        if ones:
            on, off = (sum(pair[n] for pair in ones) / len(ones) for n in (0, 1))
            lines.append((family.value, f"{on:.1%}", f"{off:.1%}"))
    return lines


def measure(
    rows: Sequence[Row],
    judged: Sequence[Judged],
    small: Sequence[Judged],
    floors: dict[str, float],
    carriers: Sequence[Harm],
    after: Sequence[tuple[bool, str]],
    defended: Sequence[tuple[str, float, float]],
) -> dict[str, Any]:
    """Return all figures."""
    told = [one for one in judged if one.row.kind is not Kind.MIMIC]
    large = [one for one in told if not one.row.hostile or ratio_of(one.row) >= 1]
    table = confusion(told)
    brier, reliability = calibration(told)
    seen = detection(rows, floors)
    found = detection([one.row for one in small], floors)
    crowds = [one for one in told if one.row.kind is Kind.CROWD]
    accused = sum(one.told is Told.YES for one in crowds)
    mimic = _mimics(judged, after)
    delays = _delays(seen)
    both = [d for ratio in (1.0, 10.0) for d in seen["delays"].get(ratio, [])]
    overall, from_1 = presence(told), presence(large)
    p95_s = float(np.percentile(both, 95)) if both else math.nan
    return {
        "table": [
            (
                "pure crowd called an attack",
                "0 of 300",
                f"{accused} of {len(crowds)}",
                f"95 %: {percent(share(accused, len(crowds)))}",
            ),
            (
                "balanced accuracy on unseen families, of those said",
                "≥ 0.95",
                f"{overall['balanced']:.3f}; {from_1['balanced']:.3f} from people's demand on",
                f"untold: {overall['untold_attacks']} of {_hostile(told)} attacks,"
                f" {overall['untold_harmless']} of {len(told) - _hostile(told)} others",
            ),
            (
                "as many bots as people, perfect mimic: cannot be told, where something failed",
                "≥ 95 %",
                percent(mimic["untold_failed"]),
                f"of all {percent(mimic['untold'])}; the others: {_others(mimic)}",
            ),
            (
                "detection delay of attacks of people's demand or ten times that",
                "p95 ≤ 2 s",
                f"p50 {np.percentile(both, 50):.1f} s, p95 {p95_s:.1f} s",
                _seen_said(seen, both, delays),
            ),
            (
                "people behind a carrier with 1 % bots, refused against others",
                "≤ 1.1×",
                *carriers_said(carriers),
            ),
        ],
        "presence": overall,
        "presence_from_1": from_1,
        "families": _families(told),
        "confusion": table,
        "balanced_words": balanced_words(table),
        "words_said": words_said(table),
        "untold_share": sum(one.verdict.word is Word.UNTOLD for one in told) / len(told),
        "mimic": mimic,
        "delays": delays,
        "false_alarms": seen["false_alarms"],
        "late": late_lines(seen["each"]),
        "told": told_lines(told),
        "small": {
            "told": told_line(f"{SMALL[0]:,} to {SMALL[1]:,} people", small),
            "late": late_lines(found["each"]),
            "false_alarms": found["false_alarms"],
        },
        "alarms_before_attacks": seen["early"],
        "harm": _harm_lines(rows, carriers),
        "defended": _by_family(defended),
        "banned_people": sum(row.harm.banned for row in rows),
        "brier": brier,
        "reliability": reliability,
        "crowds": len(crowds),
        "crowds_accused": accused,
        "forced": forced(told),
        "baselines": baselines(rows),
    }


def _seen_said(seen: dict[str, Any], both: Sequence[float], delays: dict[str, Any]) -> str:
    ten = delays.get("ten times", {}).get("p95_s", math.nan)
    within = float(np.percentile(seen["within"] or [math.nan], 95))
    all_ = len(both) + sum(seen["missed"].get(ratio, 0) for ratio in (1.0, 10.0))
    return (
        f"ten times: p95 {ten:.1f} s; where people alone fit: p95 {within:.1f} s; of {all_} seen"
        f" {len(both)}, within 2 s {sum(one <= 2 for one in both)}"
    )


def _hostile(judged: Sequence[Judged]) -> int:
    return sum(one.row.hostile for one in judged)


def _harmless(seen: dict[str, Any]) -> int:
    return int(seen["accused"] + seen["cleared"] + seen["untold_harmless"])


def method_text(method: Method, name: str, by: str) -> str:
    """Return a shipped method as a module, which `by` has measured."""
    weights = "".join(
        f'        Weight("{one.sign}", {one.floor}, {one.scale}, {one.weight}),\n'
        for one in method.weights
    )
    measured = "".join(f'        "{name}": "{said}",\n' for name, said in method.measured.items())
    return (
        f'"""The method\'s figures as `{by}` measured them; not written by hand."""\n\n'
        "from stentor.evidence.weighing import Method, Weight\n\n"
        f"{name} = Method(\n    weights=(\n{weights}    ),\n    intercept={method.intercept},\n"
        f"    low={method.low},\n    high={method.high},\n    unseen_max={method.unseen_max},\n"
        f"    slope={method.slope},\n    offset={method.offset},\n"
        f"    measured={{\n{measured}    }},\n)\n"
    )


def measured_words(
    seen: dict[str, Any], large: dict[str, Any], words: dict[str, Any]
) -> dict[str, str]:
    """Return the error rates as they are shipped and stand in a report."""
    attacks = ("missed", "found", "untold_attacks")
    return {
        "harmless evenings called an attack": f"{seen['accused']} of"
        f" {_harmless(seen)}; cannot be told {seen['untold_harmless']}",
        "attacks of unseen families missed": f"{seen['missed']} of"
        f" {sum(seen[k] for k in attacks)}; cannot be told {seen['untold_attacks']}",
        "… of people's demand or more": f"{large['missed']} of {sum(large[k] for k in attacks)}",
        **{
            was_so(word): f"{one['hits']} of {one['n']} ({one['low']:.0%} to {one['high']:.0%})"
            for word, one in sorted(words.items())
        },
    }


def write_method(method: Method, floors: dict[str, float]) -> None:
    """Write what is shipped."""
    (ROOT / "src/stentor/evidence/method.py").write_text(
        method_text(method, "METHOD", "bench/verdict.py")
    )
    lines = "".join(f'    "{name}": {value},\n' for name, value in floors.items())
    (ROOT / "src/stentor/shield/floors.py").write_text(
        '"""Written by `bench/verdict.py`: what few harmless evenings reach'
        ' (strangers: 0.6 of that)."""\n\n'
        f"FLOORS = {{\n{lines}}}\n"
    )


def main() -> None:
    """Run, measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--trained-on", type=int, default=11, help="the seed to fit to")
    parser.add_argument("--training", type=int, default=200, help="evenings a class to fit to")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    parser.add_argument(
        "--note", default="", help="what readers of the page should know of this run"
    )
    parser.add_argument("--write", action="store_true")
    said = parser.parse_args()
    # Nothing is fitted to mimics: they are the bound of what can be known.
    kinds = [kind for kind in Kind if kind is not Kind.MIMIC]
    training = run_events(said.training, said.trained_on, said.keep, said.processes, kinds)
    method = fitted(training)
    floors = floors_of([row for row in training if row.kind in HARMLESS])
    rows = run_events(said.events, said.seed, said.keep, said.processes)
    judged = judge_all(training, rows)
    n = min(said.events, _SMALL_EVENINGS)
    small = run_events(n, said.seed, said.keep, said.processes, kinds, SMALL)
    with multiprocessing.Pool(said.processes) as pool:
        carriers = pool.map(carrier_harm, [(n, said.seed) for n in range(EVENINGS)])
        jobs = [(n, said.seed, method) for n in range(min(said.events, _PREPARED_EVENINGS))]
        after = pool.map(_prepared, jobs)
        large = [(n, said.seed) for n in range(said.events) if (n // len(FAMILIES)) % 3 == 2]
        defended = pool.map(_defended, large[:_DEFENDED_EVENINGS])
    found = measure(rows, judged, judge_all(training, small), floors, carriers, after, defended)
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    found |= {
        "command": f"bench/verdict.py --events {said.events} --seed {said.seed}"
        f" --training {said.training} --trained-on {said.trained_on} --write",
        "trained_on": said.trained_on,
        "training": said.training,
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit,
        "machine": f"Python {platform.python_version()}, numpy {np.__version__}",
        "events": said.events,
        "seed": said.seed,
        "note": said.note,
    }
    for what, aim, value, how in found["table"]:
        print(f"{what}: {value} (to reach: {aim}) {how}")
    print(json.dumps({k: found[k] for k in ("presence", "presence_from_1", "mimic")}, indent=1))
    for truth, words in found["confusion"].items():
        print(truth, words)
    print(found["families"], found["delays"], found["false_alarms"], found["baselines"], sep="\n")
    if said.write:
        seen, mimic = found["presence"], found["mimic"]
        measured = {
            "evenings": f"{said.events} a class, seed {said.seed}; fitted to {said.training} a"
            f" class, seed {said.trained_on}; code {commit}",
            "each": "100 s, two in five with an attack",
            "perfect mimics told from people": f"{mimic['accused']} of {mimic['untold']['n']}",
            **measured_words(seen, found["presence_from_1"], found["words_said"]),
        }
        write_method(structs.replace(method, measured=measured), floors)
        methods = {
            "this, of those said": float(seen["balanced"]),
            "this, always said": float(found["forced"]["balanced"]),
        }
        methods |= {name: one["balanced"] for name, one in found["baselines"].items()}
        (DOCS / "verdict.md").write_text(page(found))
        (DOCS / "verdict.svg").write_text(plot(found["reliability"], methods))
        (DOCS / "verdict.json").write_text(json.dumps(found, indent=1, default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main())
