#!/usr/bin/env python
"""How good the verdict is on evenings of an hour, as real ones are.

    bench/verdict_hours.py [--events 60] [--seed 97] [--training 45] [--trained-on 89]
                           [--processes 2] [--keep FOLDER] [--write]

What stands out by chance grows with the time that there is for it, so evenings that last have
floors and bounds of their own. Runs so many evenings a class to fit them, and others to measure
what comes of it, each attack judged without its family; each evening's first quarter of an hour is
judged as well, as one that was recorded no longer. With `--write` it writes
docs/benchmarks/hours.md, .json and .svg, and the method that is shipped for such evenings,
src/stentor/evidence/method_hours.py.
"""

import argparse
import json
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from msgspec import structs
from verdict import measured_words, method_text
from verdict_events import Row, one_row
from verdict_hours_page import page
from verdict_measure import HARMLESS, Judged, calibration, confusion, fitted, presence, words_said
from verdict_page import plot

from stentor.evidence.columns import Columns, read_columns
from stentor.evidence.method import METHOD
from stentor.evidence.signs import read_signs, unseen_share
from stentor.evidence.verdict import Verdict, judge_columns
from stentor.evidence.weighing import Method
from stentor.evidence.words import Told
from stentor.shield.assessment import Assessing
from stentor.simulate.attackers import FAMILIES, Family
from stentor.simulate.draw import AN_HOUR, HOUR_SIZES, Kind
from stentor.simulate.truth import Truth
from stentor.watch.serve import LOOKS_AFTER_S

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "benchmarks"
KINDS = tuple(kind for kind in Kind if kind is not Kind.MIMIC)
QUARTER_S = 900
T = TypeVar("T")
_AFTER_S = 60  # an attack that begins so late in a quarter of an hour is hardly in it
_RATIOS = (0.1, 1.0, 10.0)


@dataclass(slots=True)
class Hour:
    """One evening, without its records: what a method is fitted to, and how alarms came."""

    kind: Kind
    n: int
    truth: Truth
    hostile: bool
    family: Family | None
    begins_s: float
    signs: tuple[float, ...]
    unseen: float
    alarms_s: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How large its attack was, against what people asked for."""
        return _RATIOS[(self.n // len(FAMILIES)) % 3]


@dataclass(slots=True)
class Said:
    """What each method said of an evening, whole and cut."""

    row: Hour
    hours: Verdict
    minutes: Verdict
    quarter: Verdict | None  # None: the attack was later


def run(kind: Kind, n: int, seed: int, keep: Path | None) -> Row:
    """Return an evening with its records, run now or kept from before."""
    kept = None if keep is None else keep / f"{seed}-{kind.name}-{n}.pickle"
    if kept is not None and kept.exists():
        row: Row = pickle.loads(kept.read_bytes())  # our own, of this machine
        return row
    row = one_row((kind, n, seed, True, HOUR_SIZES, AN_HOUR))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(".half")
        half.write_bytes(pickle.dumps(row))
        half.rename(kept)
    return row


def hour_of(row: Row, columns: Columns) -> Hour:
    """Return an evening without its records."""
    attack = row.event.attack
    assessing = Assessing()
    alarms, was = [], False
    for n, merged in enumerate(columns.merged):
        one = assessing.look(merged)
        if one.attack and not was:
            alarms.append(n + 1 + LOOKS_AFTER_S)
        was = one.attack
    return Hour(
        row.kind,
        row.n,
        row.truth,
        row.hostile,
        row.family,
        0.0 if attack is None else attack.start_s + attack.rise_s / 2,
        read_signs(columns).values(),
        unseen_share(columns),
        alarms,
    )


def read(job: tuple[Kind, int, int, Path | None]) -> Hour:
    """Return an evening to fit to."""
    row = run(*job)
    return hour_of(row, read_columns(row.seconds))


def said(
    job: tuple[tuple[Kind, int, int, Path | None], dict[Family | None, Method]],
) -> Said:
    """Return what is said of an evening by a method that does not know its family."""
    which, methods = job
    row = run(*which)
    columns = read_columns(row.seconds)
    hour = hour_of(row, columns)
    method = methods.get(hour.family, methods[None])
    is_in = not hour.hostile or hour.begins_s < QUARTER_S - _AFTER_S
    quarter = judge_columns(read_columns(row.seconds[:QUARTER_S]), method) if is_in else None
    return Said(hour, judge_columns(columns, method), judge_columns(columns, METHOD), quarter)


def judged(some: Sequence[tuple[Hour, Verdict]]) -> list[Judged]:
    """Return evenings as the other bench's measures take them."""
    return [Judged(row, verdict, 0.0, verdict.likelihood, 0) for row, verdict in some]


def alarms(rows: Sequence[Hour]) -> dict[str, Any]:
    """Return how often an alarm was wrong, and how soon it came where there was an attack."""
    harmless = [row for row in rows if not row.hostile]
    wrong = sum(len(row.alarms_s) for row in harmless)
    delays, unseen = [], 0
    for row in rows:
        if row.hostile and row.ratio >= 1:
            after = [at - row.begins_s for at in row.alarms_s if at >= row.begins_s - 1]
            if after and after[0] <= _AFTER_S:
                delays.append(max(0.0, after[0]))
            else:
                unseen += 1
    return {
        "hours": len(harmless),
        "wrong": wrong,
        "hours_with_one": sum(bool(row.alarms_s) for row in harmless),
        "p50_s": float(np.percentile(delays, 50)) if delays else None,
        "p95_s": float(np.percentile(delays, 95)) if delays else None,
        "seen": len(delays),
        "unseen": unseen,
    }


def measure(several: Sequence[Said]) -> dict[str, Any]:
    """Return all figures."""
    hours = judged([(one.row, one.hours) for one in several])
    minutes = judged([(one.row, one.minutes) for one in several])
    quarters = judged([(one.row, one.quarter) for one in several if one.quarter is not None])
    large = [one for one in hours if not one.row.hostile or one.row.ratio >= 1]
    brier, reliability = calibration(hours)
    table = confusion(hours)
    crowds = [one for one in hours if one.row.kind is Kind.CROWD]
    return {
        "presence": presence(hours),
        "presence_from_1": presence(large),
        "presence_by_minutes": presence(minutes),
        "presence_of_quarters": presence(quarters),
        "quarters": len(quarters),
        "crowds": len(crowds),
        "crowds_accused": sum(one.told is Told.YES for one in crowds),
        "confusion": table,
        "words_said": words_said(table),
        "brier": brier,
        "reliability": reliability,
        "alarms": alarms([one.row for one in several]),
    }


def told(some: Iterable[T], what: str) -> list[T]:
    """Return all of them, and say now and then how many there are by now."""
    found = []
    for one in some:
        found.append(one)
        if len(found) % 25 == 0:
            print(f"{len(found)} evenings {what}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Run, measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=60, help="evenings a class")
    parser.add_argument("--seed", type=int, default=97)
    parser.add_argument("--training", type=int, default=45, help="evenings a class to fit to")
    parser.add_argument("--trained-on", type=int, default=89, help="the seed to fit to")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="where runs are kept between measurements")
    parser.add_argument("--write", action="store_true")
    wish = parser.parse_args()

    def jobs(events: int, seed: int) -> list[tuple[Kind, int, int, Path | None]]:
        return [(kind, n, seed, wish.keep) for n in range(events) for kind in KINDS]

    with multiprocessing.Pool(wish.processes, maxtasksperchild=4) as pool:
        training = told(pool.imap(read, jobs(wish.training, wish.trained_on)), "to fit to")
        method = fitted(training)
        methods: dict[Family | None, Method] = {None: method}
        for family in FAMILIES:
            methods[family] = fitted([row for row in training if row.family is not family])
        each = [(job, methods) for job in jobs(wish.events, wish.seed)]
        several = told(pool.imap(said, each), "to measure")
    found = measure(several)
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    found |= {
        "command": f"bench/verdict_hours.py --events {wish.events} --seed {wish.seed}"
        f" --training {wish.training} --trained-on {wish.trained_on} --write",
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit,
        "events": wish.events,
        "seed": wish.seed,
        "training": wish.training,
        "trained_on": wish.trained_on,
        "harmless": len(HARMLESS) * wish.events,
    }
    print(json.dumps({name: one for name, one in found.items() if name != "reliability"}, indent=1))
    if wish.write:
        seen = found["presence"]
        measured = {
            "evenings": f"{wish.events} a class, seed {wish.seed}; fitted to {wish.training} a"
            f" class, seed {wish.trained_on}; code {commit}",
            "each": "an hour, two in five with an attack",
            **measured_words(seen, found["presence_from_1"], found["words_said"]),
        }
        (ROOT / "src/stentor/evidence/method_hours.py").write_text(
            method_text(
                structs.replace(method, measured=measured), "HOURS", "bench/verdict_hours.py"
            )
        )
        bars = {
            "of those said": float(seen["balanced"]),
            "always right or wrong": float(seen["balanced_abstentions_wrong"]),
            "by the method of minutes": float(found["presence_by_minutes"]["balanced"]),
            "a quarter of an hour": float(found["presence_of_quarters"]["balanced"]),
        }
        (DOCS / "hours.md").write_text(page(found))
        (DOCS / "hours.svg").write_text(plot(found["reliability"], bars))
        (DOCS / "hours.json").write_text(json.dumps(found, indent=1, default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main())
