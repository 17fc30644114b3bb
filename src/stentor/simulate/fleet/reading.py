"""TOML text becomes a scenario, or one sentence that says what is wrong with it.

Every figure has bounds; keys and names that do not exist are named with the nearest that does.
Reads no file, and finds nothing out about the machine (`need` says what a simulation takes).
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import pairwise
from math import isfinite
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from stentor.base.errors import UsageError
from stentor.simulate.attackers import Family
from stentor.simulate.fleet.arrivals import CURVES, bounds
from stentor.simulate.fleet.bots import ACTS
from stentor.simulate.fleet.limits import EDGES_MAX, LIMITS, MANY_MAX
from stentor.simulate.fleet.scenario import FAULTS, Arrivals, Scenario

TEXT_MAX = 65_536  # characters
_ONE_TEXT_MAX = 2_000
_SHARES_SUM = 0.001  # by how much they may miss 1
_WINDOW_S_MIN = 1.0  # in less nobody's crowd comes
_FORMER_NAMES = {"malformed": "malformed-flood", "mimic-with-audio": "mimic"}  # until November 2026


def read(text: str) -> Scenario:
    """Return what a TOML text says; raises `UsageError` with one sentence if it makes no sense."""
    if len(text) > TEXT_MAX:
        raise UsageError(f"The scenario is longer than {TEXT_MAX:,} characters: shorten it.")
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise UsageError(f"The scenario is not TOML: {_clause(error)}.") from None
    except RecursionError:
        raise UsageError("The scenario is not TOML that makes sense: too deeply nested.") from None
    _check_keys(found, Scenario, "")
    try:
        scenario = msgspec.convert(found, Scenario)
    except (msgspec.ValidationError, OverflowError) as error:
        raise UsageError(_mistyped(str(error))) from None
    check(scenario)
    return scenario


def check(scenario: Scenario) -> None:
    """Raise `UsageError` with one sentence about the first thing that cannot be."""
    _check_texts(scenario)
    for at, part in _parts(scenario):
        _check_figures(at, part)
    _check_event(scenario)
    _check_arrivals(scenario)
    _check_faults(scenario)
    _check_attacks(scenario)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about a word that is not known."""
    some = sorted(known)
    close = get_close_matches(word, some, 1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(some)}."


def _check_keys(found: object, kind: Any, at: str) -> None:
    """Name the first key that does not exist, with the nearest that does."""
    if get_origin(kind) is tuple and isinstance(found, list):
        for n, one in enumerate(found):
            _check_keys(one, get_args(kind)[0], f"{at}[{n + 1}]")
        return
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return
    if not isinstance(found, dict):
        return  # its type is told next
    hints = get_type_hints(kind)
    for key, value in found.items():
        here = f"{at}.{key}" if at else key
        if key not in hints:
            raise UsageError(f"{_quoted(here)} is not a key of a scenario: {nearest(key, hints)}")
        _check_keys(value, hints[key], here)


def _parts(scenario: Scenario) -> Iterator[tuple[str, msgspec.Struct]]:
    yield "event", scenario.event
    yield "programme", scenario.programme
    yield "staying", scenario.staying
    yield "fleet", scenario.fleet
    yield "prices", scenario.prices
    many: tuple[tuple[str, tuple[msgspec.Struct, ...]], ...] = (
        ("arrivals", scenario.arrivals),
        ("faults", scenario.faults),
        ("attacks", scenario.attacks),
    )
    for name, ones in many:
        if len(ones) > MANY_MAX:
            raise UsageError(f"{name} has {len(ones):,} entries: {MANY_MAX:,} is the most.")
        for n, one in enumerate(ones):
            yield f"{name}[{n + 1}]", one


def _check_figures(at: str, part: msgspec.Struct) -> None:
    for name, within in LIMITS[type(part)].items():
        value = getattr(part, name)
        if value is not None and not within.least <= value <= within.most:
            least, most = f"{within.least:,g}", f"{within.most:,.10g}"
            raise UsageError(f"{at}.{name} is {value:.10g}: it must be {least} to {most}.")


def _check_texts(scenario: Scenario) -> None:
    if not scenario.name.strip():
        raise UsageError("name is empty: say in a word or two what the scenario is called.")
    texts = [scenario.name, scenario.about, scenario.prices.currency, *scenario.sources]
    texts += [one.source for one in scenario.arrivals]
    texts += [one.source for one in scenario.attacks]
    if len(scenario.sources) > MANY_MAX or any(len(one) > _ONE_TEXT_MAX for one in texts):
        raise UsageError(f"A text is longer than {_ONE_TEXT_MAX:,} characters: shorten it.")


def _check_event(scenario: Scenario) -> None:
    event, programme, fleet = scenario.event, scenario.programme, scenario.fleet
    if event.hour_s >= event.lasts_s:
        raise UsageError(
            f"event.hour_s is {event.hour_s:g}, but all is over after {event.lasts_s:g} s."
        )
    if event.ends_s is not None and not event.hour_s < event.ends_s <= event.lasts_s:
        raise UsageError(
            f"event.ends_s is {event.ends_s:g}: it must come after hour_s and by lasts_s."
        )
    if programme.lower_bits_per_s > programme.bits_per_s:
        raise UsageError("programme.lower_bits_per_s is more than bits_per_s: it is the lower one.")
    if programme.lane_ms_min > programme.lane_ms_max:
        raise UsageError("programme.lane_ms_min is more than lane_ms_max.")
    if 0 < fleet.machines < fleet.regions:
        raise UsageError(
            f"fleet.machines is {fleet.machines} in {fleet.regions} regions: one each at least."
        )
    if fleet.machines * fleet.cores > EDGES_MAX:
        raise UsageError(f"fleet has more than {EDGES_MAX:,} cores: that is the most.")


def _check_arrivals(scenario: Scenario) -> None:
    if not scenario.arrivals:
        raise UsageError("The scenario has no arrivals: say with [[arrivals]] when people come.")
    total = sum(one.share for one in scenario.arrivals)
    if not abs(total - 1) <= _SHARES_SUM:
        raise UsageError(f"The shares of arrivals add up to {total:.4g}: they must add up to 1.")
    for n, one in enumerate(scenario.arrivals):
        at = f"arrivals[{n + 1}]"
        if one.model not in CURVES:
            raise UsageError(
                f"{at}.model {_quoted(one.model)} does not exist: {nearest(one.model, CURVES)}"
            )
        first_s, last_s = bounds(one, scenario.event)
        if not last_s - first_s >= _WINDOW_S_MIN:
            raise UsageError(
                f"{at} is from {first_s:g} to {last_s:g} s of an event of "
                f"{scenario.event.lasts_s:g} s: people need a second at least."
            )
        if one.model == "course":
            _check_points(at, one, first_s, last_s)
        elif one.points:
            raise UsageError(f"{at}.points belong to the model course, not to {one.model}.")


def _check_points(at: str, arrivals: Arrivals, first_s: float, last_s: float) -> None:
    points = arrivals.points
    if not 2 <= len(points) <= MANY_MAX:
        raise UsageError(f"{at}.points: a course needs 2 to {MANY_MAX:,} of them.")
    if not all(isfinite(value) and 0 <= value <= 1e12 for point in points for value in point):
        raise UsageError(f"{at}.points: seconds and people are neither negative nor endless.")
    pairs = tuple(pairwise(points))
    if not all(a[0] < b[0] and a[1] <= b[1] for a, b in pairs):
        raise UsageError(f"{at}.points: seconds must rise, and nobody who came can un-come.")
    inside = [b for a, b in pairs if a[1] < b[1] and a[0] < last_s and b[0] > first_s]
    if not inside:
        raise UsageError(f"{at}.points: nobody comes between {first_s:g} and {last_s:g} s.")


def _check_faults(scenario: Scenario) -> None:
    lasts_s = scenario.event.lasts_s
    for n, one in enumerate(scenario.faults):
        at = f"faults[{n + 1}]"
        if one.kind not in FAULTS:
            raise UsageError(
                f"{at}.kind {_quoted(one.kind)} does not exist: {nearest(one.kind, FAULTS)}"
            )
        _check_span(at, one.at_s, one.for_s, lasts_s)
        if one.kind == "region-lost" and scenario.fleet.regions < 2:
            raise UsageError(f"{at}: a region is lost, but the fleet has only one.")


def _check_attacks(scenario: Scenario) -> None:
    for n, one in enumerate(scenario.attacks):
        at = f"attacks[{n + 1}]"
        if one.family == Family.PERFECT.value:
            raise UsageError(f"{at}: perfect mimics are people; add them to event.listeners.")
        if one.family in _FORMER_NAMES:
            raise UsageError(
                f"{at}.family {_quoted(one.family)} is called {_FORMER_NAMES[one.family]} now."
            )
        if one.family not in ACTS:
            raise UsageError(
                f"{at}.family {_quoted(one.family)} does not exist: {nearest(one.family, ACTS)}"
            )
        _check_span(at, one.from_s, one.for_s, scenario.event.lasts_s)
        if one.for_s / one.waves < 1:
            raise UsageError(f"{at}: {one.waves} waves in {one.for_s:g} s; a wave takes a second.")


def _check_span(at: str, begins_s: float, lasts_s: float, event_s: float) -> None:
    if begins_s >= event_s or begins_s + lasts_s > event_s:
        raise UsageError(
            f"{at} is from {begins_s:g} to {begins_s + lasts_s:g} s, "
            f"but all is over after {event_s:g} s."
        )


_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "datetime": "a date",
    "null": "nothing",
}


def _mistyped(said: str) -> str:
    """Return msgspec's complaint as a sentence of ours; lists count from 1 here."""
    what, _, path = said.partition(" - at `$")
    at = re.sub(r"\[(\d+)\]", lambda found: f"[{int(found[1]) + 1}]", path.rstrip("`").lstrip("."))
    missing = re.search(r"required field `(\w+)`", what)
    if missing:
        return f"{_clause(at) or 'The scenario'} lacks {missing[1]}."
    what = re.sub(r"`(\w+)( \| null)?`", lambda found: _TYPES.get(found[1], found[1]), what)
    return f"{_clause(at) or 'The scenario'}: {what[:1].lower()}{_clause(what[1:])}."


def _quoted(text: str) -> str:
    return repr(_clause(text))


def _clause(error: object) -> str:
    """Return somebody's words on one line, of bounded length."""
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else f"{text[:159]}…"
