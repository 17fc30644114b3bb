"""What `bench/verdict.py` measures: folds, confusion, calibration, delay, and other methods.

Each evening is judged by a method that was fitted to evenings of another seed, without its attack's
family. Nothing here runs an evening.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import structs
from verdict_events import Row
from verdict_fit import bounded, calibrate, fit, log_odds, wilson
from verdict_page import EITHER, right

from stentor.evidence.columns import Columns, houses
from stentor.evidence.signs import windows
from stentor.evidence.verdict import Verdict, judge_columns
from stentor.evidence.weighing import Method
from stentor.evidence.words import Told, Word
from stentor.shield.assessment import TOGETHER, Assessing, together
from stentor.simulate.attackers import FAMILIES, Family
from stentor.simulate.draw import Kind
from stentor.watch.serve import LOOKS_AFTER_S

# Strangers tell of most attacks soonest: they may cost more of the false alarms than other signs.
_OF_FLOOR = {"strangers": 0.6}
_FLOOR = 0.99  # of harmless evenings
_FALSE_ALARMS = 0.04
HARMLESS = (Kind.QUIET, Kind.CROWD, Kind.OWN)


@dataclass(slots=True)
class Judged:
    """An evening and what was concluded by a method that did not know its like."""

    row: Row
    verdict: Verdict
    odds: float
    likelihood: float
    fold: int

    @property
    def told(self) -> Told:
        """Whether attack traffic was said to be there."""
        return self.verdict.answers[0].told


def fold_of(row: Row) -> int:
    """Return in which fold an evening is tested: attacks by family, others by number."""
    if row.family in FAMILIES:
        return FAMILIES.index(row.family)
    return row.n % len(FAMILIES)


def fitted(rows: Sequence[Row], measured: dict[str, str] | None = None) -> Method:
    """Return the method that these evenings give: its bounds are of evenings left out by turns."""
    used = [row for row in rows if row.kind is not Kind.MIMIC]
    values = np.array([row.signs for row in used])
    hostile = np.array([row.hostile for row in used])
    crowd = np.array([row.kind is Kind.CROWD for row in used])
    folds = np.array([fold_of(row) for row in used])
    odds = np.zeros(len(used))
    for fold in set(folds.tolist()):
        others = folds != fold
        odds[~others] = log_odds(fit(values[others], hostile[others]), values[~others])
    slope, offset = calibrate(odds, hostile)
    unseen = np.array([row.unseen for row in used])
    method = bounded(fit(values, hostile), odds, hostile, crowd, unseen)
    return structs.replace(method, slope=slope, offset=offset, measured=measured or {})


def judge_all(training: Sequence[Row], rows: Sequence[Row]) -> list[Judged]:
    """Return evenings, each judged by a method that was fitted to others, without its family."""
    methods: dict[Family | None, Method] = {None: fitted(training)}
    for family in FAMILIES:
        methods[family] = fitted([row for row in training if row.family is not family])
    judged = []
    for row in rows:
        method = methods[row.family if row.family in FAMILIES else None]
        odds = float(log_odds(method, np.array([row.signs]))[0])
        verdict = judge_columns(row.columns, method)
        judged.append(Judged(row, verdict, odds, verdict.likelihood, fold_of(row)))
    return judged


def share(hits: int, n: int) -> dict[str, float]:
    """Return a share with its 95 % interval."""
    low, high = wilson(hits, n)
    return {"n": n, "hits": hits, "share": hits / n if n else math.nan, "low": low, "high": high}


def presence(judged: Sequence[Judged]) -> dict[str, object]:
    """Return how often attack traffic was found where there was some, and where there was none."""
    there = Counter(one.told for one in judged if one.row.hostile)
    none = Counter(one.told for one in judged if not one.row.hostile)
    found, missed = there[Told.YES], there[Told.NO]
    cleared, accused = none[Told.NO], none[Told.YES]
    sensitivity, specificity = found / max(1, found + missed), cleared / max(1, cleared + accused)
    return {
        "found": found,
        "missed": missed,
        "untold_attacks": there[Told.UNTOLD],
        "cleared": cleared,
        "accused": accused,
        "untold_harmless": none[Told.UNTOLD],
        "balanced": (sensitivity + specificity) / 2,
        "balanced_abstentions_wrong": (
            found / max(1, sum(there.values())) + cleared / max(1, sum(none.values()))
        )
        / 2,
    }


def forced(judged: Sequence[Judged]) -> dict[str, float]:
    """Return how good it is if it has to say yes or no each time, by the likelier of both."""
    hostile = np.array([one.row.hostile for one in judged])
    crowd = np.array([one.row.kind is Kind.CROWD for one in judged])
    said = np.array([one.likelihood >= 0.5 for one in judged])
    return {
        "balanced": float((said[hostile].mean() + (~said[~hostile]).mean()) / 2),
        "crowds_accused": int(said[crowd].sum()),
        "crowds": int(crowd.sum()),
    }


def confusion(judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """Return how often each truth was given each word."""
    table: dict[str, Counter[str]] = {}
    for one in judged:
        table.setdefault(one.row.truth.value, Counter())[one.verdict.word.value] += 1
    return {truth: dict(words) for truth, words in table.items()}


def words_said(table: dict[str, dict[str, int]]) -> dict[str, dict[str, float]]:
    """Return of each word how often it was so when it was said."""
    said: Counter[str] = Counter()
    so: Counter[str] = Counter()
    for truth, words in table.items():
        said.update(words)
        so.update({word: n for word, n in words.items() if word == truth})
        so[EITHER] += right(truth, words) - words.get(truth, 0)
    return {word: share(so[word], n) for word, n in said.items() if word != Word.UNTOLD}


def balanced_words(table: dict[str, dict[str, int]]) -> float:
    """Return the mean over truths of the share of right words among those that were said."""
    shares = []
    for truth, words in table.items():
        said = sum(n for word, n in words.items() if word != "cannot be told")
        if said:
            shares.append(right(truth, words) / said)
    return sum(shares) / max(1, len(shares))


def calibration(judged: Sequence[Judged], bins: int = 10) -> tuple[float, list[dict[str, float]]]:
    """Return the Brier score and the reliability table."""
    p = np.array([one.likelihood for one in judged])
    y = np.array([one.row.hostile for one in judged], dtype=float)
    table = []
    for n in range(bins):
        inside = (p >= n / bins) & ((p < (n + 1) / bins) | (n == bins - 1))
        if inside.any():
            hits = int(y[inside].sum())
            table.append({"said": float(p[inside].mean()), **share(hits, int(inside.sum()))})
    return float(((p - y) ** 2).mean()), table


# -- detection by the second ------------------------------------------------------------------


def floors_of(rows: Sequence[Row]) -> dict[str, float]:
    """Return what all but very few harmless evenings stay below in every second, by sign.

    And what all but few stay below with all signs together: an evening in so many has an alarm.
    """
    highest = [
        {name: max(one[name] for one in row.second_signs) for name in row.second_signs[0]}
        for row in rows
    ]
    floors = {
        name: round(
            max(0.05, float(np.quantile([h[name] for h in highest], _FLOOR)))
            * _OF_FLOOR.get(name.partition(" ")[0], 1.0),
            4,
        )
        for name in highest[0]
    }
    most = [
        max(together(one[name] / floors[name] for name in floors) for one in row.second_signs)
        for row in rows
    ]
    return floors | {TOGETHER: round(float(np.quantile(most, 1 - _FALSE_ALARMS)), 4)}


def detection(rows: Sequence[Row], floors: dict[str, float]) -> dict[str, object]:
    """Return delays and false alarms; an attack begins with the first thing that a bot does.

    A delay ends when the watch looks, a moment after the edges have told of a second.
    """
    delays: dict[float, list[float]] = {}
    within: list[float] = []  # of those that come to a machine which people alone do not fill
    missed: Counter[float] = Counter()
    each: list[tuple[Row, float | None, float]] = []
    false = harmless = early = 0
    for row in rows:
        if row.kind is Kind.MIMIC:
            continue
        attack = row.event.attack
        assessing = Assessing(floors)
        alarms = [
            n + 1 for n, one in enumerate(row.columns.merged) if assessing.look(one).excess > 1.0
        ]
        if attack is None:
            harmless += 1
            false += bool(alarms)
            continue
        early += any(at < attack.start_s for at in alarms)
        ratio = ratio_of(row)
        begins_s = attack.start_s + attack.rise_s / 2  # half of its rate
        during = [at for at in alarms if attack.start_s <= at <= attack.end_s + 12]
        if during:
            delay_s = max(0.0, during[0] + LOOKS_AFTER_S - begins_s)
            waited_s = row.columns.merged[during[0] - 1].queue_s.p50
            each.append((row, delay_s, waited_s))
            delays.setdefault(ratio, []).append(delay_s)
            if row.kind is Kind.ATTACK and ratio >= 1:
                within.append(delay_s)
        else:
            missed[ratio] += 1
            each.append((row, None, 0.0))
    return {
        "delays": delays,
        "within": within,
        "each": each,
        "missed": dict(missed),
        "false_alarms": share(false, harmless),
        "early": early,
    }


def ratio_of(row: Row) -> float:
    """Return how large an attack was, against what people asked for: 0.1, 1 or 10."""
    return (0.1, 1.0, 10.0)[(row.n // len(FAMILIES)) % 3]


# -- other methods ------------------------------------------------------------------------------


def _entropy(second_total: float, distinct: float, heavy: Sequence[int]) -> float:
    """Return the entropy in bits of who came: those told by name, the others as if even."""
    if second_total <= 0 or distinct <= 0:
        return 0.0
    named = [n / second_total for n in heavy if n > 0]
    rest = max(0.0, 1 - sum(named))
    others = max(1.0, distinct - len(named))
    return -sum(p * math.log2(p) for p in named) - (
        rest * math.log2(rest / others) if rest > 0 else 0.0
    )


def baseline_scores(columns: Columns) -> dict[str, float]:
    """Return what four known methods go by, on the same records."""
    most = 0.0
    sources, clusters, series = [], [], {}
    for t, one in enumerate(columns.merged):
        asks = [h.asks for h in houses(one.heavy)]
        most = max([most, *asks])
        total = max(columns.accepted[t], float(sum(asks)))
        sources.append(_entropy(total, max(one.addresses, len(asks)), asks))
        clusters.append(math.log2(1 + one.clusters))
        for h in houses(one.heavy):
            series.setdefault(h.network, np.zeros(len(columns)))[t] = h.asks
    return {
        "per-address limit": math.log1p(most),
        "source entropy": _deviation(sources),
        "cluster entropy": _deviation(clusters),
        "flow correlation": _correlation(list(series.values())),
    }


def _deviation(column: Sequence[float]) -> float:
    smooth = [one / 5 for one in windows(column, 5)][5:]
    if not smooth:
        return 0.0
    middle = float(np.median(smooth))
    return float(max(abs(one - middle) for one in smooth))


def _correlation(series: list[np.ndarray]) -> float:
    """Return the mean correlation of the twenty largest flows (Yu et al., 2012)."""
    series.sort(key=lambda one: -float(one.sum()))
    kept = [one for one in series[:20] if one.std() > 0]
    if len(kept) < 3:
        return 0.0
    matrix = np.corrcoef(np.array(kept))
    return float(matrix[np.triu_indices(len(kept), 1)].mean())


def baselines(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return how well each known method does, its threshold the best of the other folds."""
    used = [row for row in rows if row.kind is not Kind.MIMIC]
    scores = [baseline_scores(row.columns) for row in used]
    hostile = np.array([row.hostile for row in used])
    crowd = np.array([row.kind is Kind.CROWD for row in used])
    folds = np.array([fold_of(row) for row in used])
    found = {}
    for name in scores[0]:
        x = np.array([one[name] for one in scores])
        said = np.zeros(len(x), dtype=bool)
        for fold in range(len(FAMILIES)):
            train, test = folds != fold, folds == fold
            cuts = np.unique(np.quantile(x[train], np.linspace(0.02, 0.98, 60)))
            gains = [
                ((x[train] > cut) & hostile[train]).sum() / hostile[train].sum()
                + ((x[train] <= cut) & ~hostile[train]).sum() / (~hostile[train]).sum()
                for cut in cuts
            ]
            said[test] = x[test] > cuts[int(np.argmax(gains))]
        found[name] = {
            "balanced": float((said[hostile].mean() + (~said[~hostile]).mean()) / 2),
            "crowds_accused": int(said[crowd].sum()),
            "crowds": int(crowd.sum()),
        }
    return found
