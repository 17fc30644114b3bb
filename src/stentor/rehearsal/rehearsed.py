"""Whether the last rehearsal speaks for this event: how long ago, how large, which code, where.

Decides also whether its costs may be used. Whether its certificate holds was checked before.
"""

from itertools import chain

from stentor.rehearsal.readiness import Expected, Facts, Item, RehearsalFacts, Weight, Word
from stentor.rehearsal.tried import SAID, is_tried
from stentor.simulate.fleet.calibration import SHIPPED, Calibration

REHEARSAL_DAYS_MAX = 30
REHEARSAL_DAYS_WARN = 7
_DAY_MS = 86_400_000
_APART_TOLD = 3
# Where things lie and are reached, and what is said in logs: nothing that a listener would cost.
_ELSEWHERE = {
    "data", "bind", "port", "control_port", "stage_port", "metrics_port", "watch_port",
    "watch_bind", "listen_url", "control_url", "stage_url", "log_json", "log_level",
    "clock_vouched", "event_lasts_s",
}  # fmt: skip
_MEMORY_APART = 0.05  # a kernel keeps a little more or less of it for itself
_REHEARSE = "Run stentor rehearse SCENARIO --listeners N, here and with these settings."
_SAY = "The scenario says these: set them as the rehearsal's answer has them, or rehearse another."
_UNTRIED = "No rehearsal tries these; see for yourself that they are right."


def choose(facts: Facts, expected: Expected) -> RehearsalFacts | None:
    """Return the rehearsal that speaks for this event: the newest for which nothing stops it.

    If there is none, the newest that measured something, else the newest.
    """
    enough = (one for one in facts.rehearsals if not _stops(_checks(one, facts, expected)))
    measured = (one for one in facts.rehearsals if one.measured_max and not one.faults)
    return next(chain(enough, measured, facts.rehearsals), None)


def costs_used(last: RehearsalFacts | None, facts: Facts) -> tuple[Calibration, str]:
    """Return a rehearsal's costs and its name; those of the code where it has none for here."""
    if last is None or last.faults or not last.calibration.measured:
        return SHIPPED, ""
    if machine_apart(last, facts):
        return SHIPPED, ""
    return last.calibration, last.name


def check_rehearsal(
    last: RehearsalFacts | None, facts: Facts, expected: Expected
) -> tuple[Item, ...]:
    """Say whether it was enough, in all respects."""
    if last is None:
        told = "There was no rehearsal: no folder has a certificate."
        return (Item("rehearsal", Word.NO, Weight.VITAL, told, _REHEARSE),)
    return _checks(last, facts, expected)


def _checks(last: RehearsalFacts, facts: Facts, expected: Expected) -> tuple[Item, ...]:
    if last.faults:
        told = f"The certificate of {last.name} does not hold: {last.faults[0]}."
        return (Item("rehearsal", Word.NO, Weight.VITAL, told, _REHEARSE),)
    return (
        _recent(last, facts.now_ms),
        _large_enough(last, expected),
        _same_code(last, facts),
        _same_machine(last, facts),
        _same_settings(last, facts),
    )


def _stops(items: tuple[Item, ...]) -> bool:
    return any(one.stops for one in items)


def _recent(last: RehearsalFacts, now_ms: int) -> Item:
    if last.at_ms is None or last.at_ms > now_ms + _DAY_MS:
        told = f"When {last.name} was rehearsed cannot be: {last.sentence}"
        return Item("rehearsal", Word.NO, Weight.VITAL, told, _REHEARSE)
    days = max(0, now_ms - last.at_ms) // _DAY_MS
    told = f"{last.name}, {days} day{'s' * (days != 1)} ago: {last.sentence}"
    if days > REHEARSAL_DAYS_MAX:
        return Item("rehearsal", Word.NO, Weight.VITAL, told, _REHEARSE)
    if last.failed_since:
        told = f"{told} Of later ones {last.failed_since} have no certificate."
        return Item("rehearsal", Word.NO, Weight.WARNING, told, _REHEARSE)
    word = Word.YES if days <= REHEARSAL_DAYS_WARN else Word.NO
    weight = Weight.VITAL if word is Word.YES else Weight.WARNING
    return Item("rehearsal", word, weight, told, "" if word is Word.YES else _REHEARSE)


def _large_enough(last: RehearsalFacts, expected: Expected) -> Item:
    name, n = "rehearsed listeners", expected.listeners
    if not last.measured_max:
        told = f"Nothing was measured in it: {last.simulated_max:,} were only simulated."
        return Item(name, Word.NO, Weight.VITAL, told, _REHEARSE)
    real = f"At once {last.measured_max:,} real listeners, {last.simulated_max:,} simulated"
    if n <= max(last.measured_max, last.simulated_max):
        how = "tested" if n <= last.measured_max else "simulated, not tested"
        return Item(name, Word.YES, Weight.VITAL, f"{real}: {n:,} was {how}.")
    told = f"{real}: less than the {n:,} that are expected."
    return Item(name, Word.NO, Weight.VITAL, told, f"{_REHEARSE} N come in all, fewer at once.")


def _same_code(last: RehearsalFacts, facts: Facts) -> Item:
    if not facts.build.digest:
        told = "Its code's files are being replaced just now."
        return Item("rehearsed code", Word.UNKNOWN, Weight.VITAL, told, "Ask again in a moment.")
    if last.build.digest == facts.build.digest:
        told = f"It was of this code, {facts.build.version}."
        return Item("rehearsed code", Word.YES, Weight.VITAL, told)
    told = f"It was of other code, {last.build.version} {last.build.revision[:8]}".rstrip() + "."
    return Item("rehearsed code", Word.NO, Weight.VITAL, told, _REHEARSE)


def _same_machine(last: RehearsalFacts, facts: Facts) -> Item:
    apart = machine_apart(last, facts)
    if apart:
        told = f"It was on another machine: {apart}."
        return Item("rehearsed machine", Word.NO, Weight.VITAL, told, _REHEARSE)
    then, now = last.machine, facts.machine
    if (then.kernel, then.python) != (now.kernel, now.python):
        told = f"It was under {then.kernel} and Python {then.python}: the costs may differ."
        return Item("rehearsed machine", Word.NO, Weight.WARNING, told, _REHEARSE)
    told = f"It was on this machine, or one like it: {now.cores} cores."
    return Item("rehearsed machine", Word.YES, Weight.VITAL, told)


def _same_settings(last: RehearsalFacts, facts: Facts) -> Item:
    name, then, now = "rehearsed settings", last.settings, facts.settings
    apart = sorted(one for one in {*then, *now} - _ELSEWHERE if then.get(one) != now.get(one))
    if not apart:
        return Item(name, Word.YES, Weight.WARNING, "The settings were the same.")
    more = " and others" if len(apart) > _APART_TOLD else ""
    told = ", ".join(
        f"{one} was {then.get(one, 'as shipped')}, now {now.get(one, 'as shipped')}"
        for one in apart[:_APART_TOLD]
    )
    told = f"The settings were others: {told}{more}."
    if any(map(is_tried, apart)):
        return Item(name, Word.NO, Weight.WARNING, told, _REHEARSE)
    return Item(name, Word.NO, Weight.WARNING, told, _SAY if SAID & set(apart) else _UNTRIED)


def machine_apart(last: RehearsalFacts, facts: Facts) -> str:
    then, now = last.machine, facts.machine
    if then.cores != now.cores:
        return f"{then.cores} cores, here {now.cores}"
    if then.cpu != now.cpu:
        return f"{then.cpu}, here {now.cpu}"
    if abs(then.memory_bytes - now.memory_bytes) > _MEMORY_APART * now.memory_bytes:
        return f"{then.memory_bytes >> 30} GiB of memory, here {now.memory_bytes >> 30}"
    return ""
