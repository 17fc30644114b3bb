"""The parts of an answer's page that are about machines: what it takes, what breaks first, peers.

Tables with bars, made from the answer alone.
"""

from collections.abc import Iterator
from html import escape

from stentor.admission.lanes import period_s
from stentor.charts.bars import Bar, bars
from stentor.charts.page import table
from stentor.charts.scale import clock, figure
from stentor.rehearsal.answer import Answer, Figure
from stentor.rehearsal.wording import called, scaled, whole, with_unit


def takes(answer: Answer) -> Iterator[str]:
    yield "<h2>What it takes</h2>"
    yield table(
        ("", "Figure", "Rests on"),
        [(one.about, _said(one), one.basis.value) for one in answer.figures],
        numbers=(1,),
        caption="Figures, and what each rests on",
    )
    plan = answer.plan
    lost = f", with {plan.lost:.0%} of them lost" if plan.lost else ""
    yield bars(
        f"Machines that each thing alone would ask for{lost}: {plan.machines:,} in all"
        " (extrapolated)",
        ("What", "Machines", "Needed at most", "One machine gives"),
        [
            Bar(
                one.name,
                one.needed / one.per_machine,
                f"{one.machines:,}",
                (_amount(one.needed, one.unit), _amount(one.per_machine, one.unit)),
                ink=2 if one.name == plan.binds else 1,
            )
            for one in plan.parts
        ],
    )
    yield (
        '<p class="soft">What a machine gives ends where the edge would put joiners into a lower'
        " bitrate or a line. What attackers cost is not in the plan, but it is in the simulation,"
        " and in what breaks first.</p>"
    )


def breaks(answer: Answer) -> Iterator[str]:
    yield "<h2>What breaks first</h2>"
    yield bars(
        "Used at the worst second, of the fullest machine (simulated)",
        ("What", "Of its ceiling", "When", "Would carry (extrapolated)"),
        [
            Bar(
                one.about,
                one.share / one.ceiling,
                f"{one.share / one.ceiling:.0%}",
                (clock(one.at_s, seconds=True), f"{whole(one.listeners)} at once"),
                ink=2 if one is answer.limits[0] else 1,
            )
            for one in answer.limits
        ],
    )
    yield from _probed(answer)
    yield bars(
        "Latency is the price: machines for this crowd by the slowest lane that anybody is in"
        " (extrapolated)",
        ("Deliveries of", "Machines", "Behind live", "Busy cores", "Runs out first"),
        [
            Bar(
                f"{one.period_s:g} s",
                one.machines,
                f"{one.machines:,}",
                (f"{one.behind_s:.1f} s", f"{one.cores:,.0f}", called(one.binds)),
            )
            for one in answer.lanes
        ],
    )
    yield "<h2>What each part would move</h2>"
    yield bars(
        f"Listeners at once that {answer.machines:,} machines carry, against now (extrapolated)",
        ("Change", "Carries", "Then runs out", "Machines for this crowd", "Their cost"),
        [
            Bar(
                one.change,
                one.moved,
                f"{one.moved:+.1%}: {whole(one.listeners)}",
                (called(one.binds), f"{one.machines:,}", whole(one.cost)),
                ink=1 if one.moved >= 0 else 6,
            )
            for one in answer.sensitivities
        ],
    )
    yield (
        '<p class="soft">Each row is the plan once more with one thing changed; machines cost the'
        " same in all of them.</p>"
    )


def _probed(answer: Answer) -> Iterator[str]:
    if not answer.probes:
        return
    people = min(one.people for one in answer.probes)
    yield table(
        ("Crowd", "Change", "Holds", "Audio p95", "In line", "Silent", "Ladder up to"),
        [
            (
                f"{one.crowd:g} ×",
                one.change or "none",
                "yes" if one.holds else "no",
                "–" if one.first_audio_p95_s is None else f"{figure(one.first_audio_p95_s)} s",
                f"{one.waiting:.1%}",
                "–" if one.silent is None else f"{one.silent:.1%}",
                one.step,
            )
            for one in answer.probes
        ],
        numbers=(0, 3, 4, 5),
        caption="Larger crowds before the same fleet, and what one change does about it (simulated"
        f" in miniature: {whole(people)} people and more, a core for each region)",
    )


def peers(answer: Answer) -> Iterator[str]:
    yield "<h2>What others' published figures would need</h2>"
    plan = answer.plan
    ours = Bar(
        f"this plan, lanes up to {period_s(plan.lane_parts):g} s",
        plan.machines,
        f"{plan.machines:,}",
        (f"{plan.machines * answer.cores:,}", "extrapolated"),
    )
    yield bars(
        f"Machines for {plan.peak:,} listeners at once (logarithmic bars)",
        ("", "Machines", "Cores", "Rests on"),
        [
            ours,
            *(
                Bar(
                    one.name,
                    one.machines,
                    f"{one.machines:,}",
                    ("not stated" if one.cores is None else f"{one.cores:,}", one.basis.value),
                    ink=5,
                )
                for one in answer.peers
            ),
        ],
        log=True,
    )
    for one in answer.peers:
        yield f'<p class="soft">{escape(f"{one.name}: {one.arithmetic}. {one.source}.")}</p>'
    yield (
        '<p class="soft">Divisions, not measurements: those systems were not run here at such'
        " sizes, and do other things too. What of it was measured side by side on one machine is in"
        " docs/benchmarks/edges.md.</p>"
    )


def _said(one: Figure) -> str:
    if one.unit in ("bytes", "bit/s"):
        return _amount(one.value, one.unit)
    return with_unit(one.value, one.unit)


def _amount(value: float, unit: str) -> str:
    return (
        scaled(value, "B" if unit == "bytes" else unit)
        if unit != "cores"
        else (f"{figure(value)} cores")
    )
