"""Runs the simulated evenings that `bench/verdict.py` evaluates, and keeps what counts of them.

Nothing of the truth goes into what the verdict reads: records make columns, columns make signs.
"""

import math
import multiprocessing
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stentor.evidence.columns import Columns, read_columns
from stentor.evidence.records import Second
from stentor.evidence.signs import read_signs, unseen_share
from stentor.shield.assessment import Assessing
from stentor.shield.merge import Merged
from stentor.simulate.attackers import Family
from stentor.simulate.draw import MINUTES, SIZES, Kind, Length, settled
from stentor.simulate.evening import Evening
from stentor.simulate.events import Event
from stentor.simulate.scene import Outcome, Person
from stentor.simulate.truth import Truth, truth

_KEPT_AT_ONCE = 33  # of a class: each family with each ratio
TOLD_S = 10.0  # within this, people should have audio or a place


@dataclass(slots=True)
class Harm:
    """How legitimate people of an evening fared at the door: others, and behind a carrier."""

    people: int = 0
    refused: int = 0
    shared: int = 0
    shared_refused: int = 0
    banned: int = 0
    in_60: int = 0
    bots_in: int = 0
    bots: int = 0


@dataclass(slots=True)
class Row:
    """One evening as the evaluation sees it."""

    kind: Kind
    n: int
    event: Event
    truth: Truth
    failed_share: float
    columns: Columns
    signs: tuple[float, ...]
    unseen: float
    second_signs: list[dict[str, float]] = field(default_factory=list)
    harm: Harm = field(default_factory=Harm)
    family: Family | None = None
    seconds: list[Second] = field(default_factory=list)  # only where they are to be read again

    @property
    def hostile(self) -> bool:
        """Whether attackers were there."""
        return self.event.attack is not None


def refused(person: Person, end_s: float) -> bool:
    """Say whether somebody had neither audio nor a place soon after they came first."""
    by_s = min(end_s, person.first_s + TOLD_S)
    told = [at_s for at_s in (person.audio_s, person.told_s) if at_s >= 0]
    return person.banned > 0 or not told or min(told) > by_s


def harm_of(outcome: Outcome, end_s: float) -> Harm:
    """Return how people fared at the door, those apart who share an address with very many."""
    harm = Harm()
    for one in outcome.people:
        if one.first_s <= 0 or one.first_s > end_s - TOLD_S:
            continue
        if not one.human:
            harm.bots += 1
            harm.bots_in += one.audio_s >= 0
            continue
        turned_away = refused(one, end_s)
        harm.banned += one.banned > 0
        harm.in_60 += one.audio_s >= 0 and one.audio_s - one.first_s <= 60
        if one.shared:
            harm.shared += 1
            harm.shared_refused += turned_away
        else:
            harm.people += 1
            harm.refused += turned_away
    return harm


def one_row(job: tuple[Kind, int, int, bool, tuple[int, int], Length]) -> Row:
    """Return one evening, run and read."""
    kind, n, seed, keep, sizes, length = job
    event, alone = settled(kind, n, seed, sizes, length)
    harmless = event.attack is None and event.fault is None
    outcome = alone if harmless else Evening(event).run()
    was, fared = truth(event, outcome, alone)
    row = Row(
        kind,
        n,
        event,
        was,
        fared.share,
        Columns(),
        (),
        0.0,
        [],
        harm_of(outcome, event.end_s),
        event.attack.family if event.attack else None,
        outcome.seconds,
    )
    return row if keep else read_row(row)


def read_row(row: Row) -> Row:
    """Return an evening with what is read from its records now."""
    row.columns = read_columns(row.seconds)
    row.signs = read_signs(row.columns).values()
    row.unseen = unseen_share(row.columns)
    row.second_signs = assess(row.columns)
    row.seconds = []
    return row


def assess(columns: Columns) -> list[dict[str, float]]:
    """Return the signs of each second, as the assessment sees them."""
    # Without any floor that could be reached: it learns all the time, as on a harmless evening.
    named = Assessing()
    named.look(Merged())
    assessing, found = Assessing(dict.fromkeys(named.signs(), math.inf)), []
    for merged in columns.merged:
        assessing.look(merged)
        found.append(assessing.signs())
    return found


def run_events(
    events: int,
    seed: int,
    keep: Path | None,
    processes: int,
    kinds: Sequence[Kind] = tuple(Kind),
    sizes: tuple[int, int] = SIZES,
) -> list[Row]:
    """Return all evenings of all classes; with `keep` (a folder) each of a seed is run only once.

    They are kept as they are run, some of each class at a time: a run that was interrupted goes on
    where it was. What is read from records may change, the records do not.
    """
    rows: list[Row] = []
    of = "" if sizes == SIZES else f"of-{sizes[0]}-{sizes[1]}-"
    with multiprocessing.Pool(processes) as pool:
        for begin in range(0, events, _KEPT_AT_ONCE):
            end = min(events, begin + _KEPT_AT_ONCE)
            kept = None if keep is None else keep / f"verdict-{seed}-{of}{begin}-{end}.pickle"
            if kept is None or not kept.exists():
                jobs = [
                    (kind, n, seed, kept is not None, sizes, MINUTES)
                    for n in range(begin, end)
                    for kind in kinds
                ]
                some = pool.map(one_row, jobs, chunksize=3)
                if kept is None:
                    rows += some
                    continue
                kept.parent.mkdir(parents=True, exist_ok=True)
                half = kept.with_suffix(".half")
                half.write_bytes(pickle.dumps(some))
                half.rename(kept)
            else:
                some = pickle.loads(kept.read_bytes())  # our own, of this machine
            rows += pool.map(read_row, some, chunksize=6)
    return rows
