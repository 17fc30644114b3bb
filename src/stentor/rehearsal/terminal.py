"""The answer in at most 25 lines, for a terminal: what the page says first. Decides nothing."""

from collections.abc import Iterator

from rich.markup import escape

from stentor.rehearsal.answer import Answer, Basis, Outcome
from stentor.rehearsal.wording import called, scaled, whole, with_unit

LINES_MAX = 25
_COLOURS = {Outcome.HOLDS: "green", Outcome.LINE: "yellow", Outcome.FAILS: "red"}
_SHOWN = {
    *("machines_needed", "machines_attacked", "processes", "cores", "memory"),
    *("joins_per_s", "bits_per_s", "bytes", "headroom"),
}
_MOVED_MIN, _MOVED_MAX = 0.001, 4


def summary(answer: Answer) -> list[str]:
    """Return the lines, with rich's markup; a line may be longer than a terminal is wide."""
    return list(_lines(answer))[:LINES_MAX]


def _lines(answer: Answer) -> Iterator[str]:
    verdict, _, rest = answer.sentence.partition(":")
    colour = "red" if answer.refuted else _COLOURS[answer.outcome]
    yield f"[bold {colour}]{escape(verdict)}[/]:{escape(rest)}"
    for reason in answer.because[:4]:
        yield f"  [{colour}]{escape(reason)}[/]"
    for promise in answer.promises:
        if promise.found is not None:
            mark = "[green]kept[/]    " if promise.kept else "[red]not kept[/]"
            found = with_unit(promise.found, promise.unit)
            yield f"  {mark}  {escape(promise.about)}: {found}"
    for one in (figure for figure in answer.figures if figure.name in _SHOWN):
        value = (
            scaled(one.value, "B" if one.unit == "bytes" else one.unit)
            if one.unit in ("bytes", "bit/s")
            else f"{whole(one.value)} {one.unit}"
            if one.unit
            else with_unit(one.value, "")
        )
        yield f"  {value:<18} {escape(one.about)} [dim]({one.basis.value})[/]"
    moving = [one for one in answer.sensitivities if one.moved >= _MOVED_MIN][:_MOVED_MAX]
    if moving:
        yield "What would move it most [dim](extrapolated)[/]:"
    for change in moving:
        yield (
            f"  {change.moved:+7.1%}  {escape(change.change)}"
            f" [dim](then the {called(change.binds)} runs out)[/]"
        )
    if answer.witnesses:
        of = len(answer.witnesses)
        held = sum(witness.holds for witness in answer.witnesses)
        yield (
            f"[{'green' if held == of else 'red'}]{held} of {of} predictions hold[/]"
            " beside what real listeners showed on this machine."
        )
    elif answer.costs is not Basis.MEASURED:
        yield "[yellow]Nothing was measured for this; only simulated.[/]"
