#!/usr/bin/env python3
"""Writes the figures of docs/scale.md: what the plan computes for one machine to 65 million.

`bench/scale.py` prints them; `--write` puts them into the page, between its marks. A test compares
the page with what the code computes, so the page cannot say what the code does not.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from math import ceil
from pathlib import Path

from msgspec.structs import replace

from stentor.admission.ladder import BITS_LOWER, LANE_CEILINGS
from stentor.admission.lanes import LANE_PARTS, period_s, target_s
from stentor.charts.scale import figure
from stentor.media.renditions import RENDITIONS
from stentor.rehearsal.demand import demand
from stentor.rehearsal.plan import RETURNS_WITHIN_S, Plan, delivery_s, make_plan
from stentor.rehearsal.published import peers
from stentor.rehearsal.wording import scaled as large
from stentor.rehearsal.wording import whole
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.edges import wire_bits
from stentor.simulate.fleet.reading import read
from stentor.simulate.fleet.scenario import Fleet, Scenario, scaled
from stentor.simulate.fleet.wire import FRAME_BYTES, delivery

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "scale.md"
SCENARIO = ROOT / "scenarios" / "interview-on-the-hour.toml"
SIZES = (100_000, 1_000_000, 8_000_000, 65_000_000)  # at once
EIGHT = 8_000_000
MACHINES = {
    "8 cores, 32 GiB, 10 Gbit/s": Fleet(),
    "16 cores, 64 GiB, 25 Gbit/s": Fleet(cores=16, memory_gib=64.0, network_gbit_per_s=25.0),
    "64 cores, 256 GiB, 100 Gbit/s": Fleet(cores=64, memory_gib=256.0, network_gbit_per_s=100.0),
}
CDN_PRICES = (0.005, 0.02, 0.08)  # of a gigabyte, in the scenario's currency: from large to list
_MARK = re.compile(r"(<!-- figures: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def at_once(listeners: int, fleet: Fleet | None = None) -> Scenario:
    """Return the interview for so many listeners at once."""
    scenario = read(SCENARIO.read_text())
    share = demand(scenario).peak / scenario.event.listeners
    scenario = scaled(scenario, ceil(listeners / share))
    return replace(scenario, fleet=fleet or scenario.fleet)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _part(plan: Plan, name: str) -> float:
    return next(one.needed for one in plan.parts if one.name == name)


def sizes() -> Iterator[str]:
    """From a hundred thousand to the published record."""
    rows = []
    for listeners in SIZES:
        scenario = at_once(listeners)
        plan = make_plan(scenario, SHIPPED)
        rows.append(
            (
                f"{listeners:,}",
                f"{whole(scenario.event.listeners)}",
                f"{plan.machines:,}",
                plan.binds,
                large(plan.bits_per_s, "bit/s"),
                figure(_part(plan, "cpu")),
                f"{whole(plan.peak_per_s)}",
                large(plan.bytes_sent, "B"),
                f"{whole(plan.cost)} {plan.currency}",
            )
        )
    head = ("listeners at once", "people who come", "machines", "what binds", "on the wire",
            "busy cores", "joins a second", "sent in the hour", "machines and traffic")  # fmt: skip
    yield from _table(head, rows)


def kinds() -> Iterator[str]:
    """Eight million before three kinds of machine, in three lanes."""
    rows = []
    for name, fleet in MACHINES.items():
        scenario = at_once(EIGHT, fleet)
        cells = [name]
        for parts in (3, 12, 48):
            plan = make_plan(scenario, SHIPPED, lane_parts=parts)
            cells.append(f"{plan.machines:,} ({plan.binds})")
        rows.append(cells)
    lanes = [f"{period_s(parts):g} s lane" for parts in (3, 12, 48)]
    yield from _table(("machine", *lanes), rows)


def lanes() -> Iterator[str]:
    """What eight million cost in each lane, by TLS."""
    known, fleet = SHIPPED.tls, Fleet()
    rows = []
    for parts in LANE_PARTS:
        each_s = delivery_s(known, parts)
        cores = EIGHT / period_s(parts) * each_s
        ceiling = LANE_CEILINGS[parts]
        rows.append(
            (
                f"{period_s(parts):g} s",
                f"{target_s(parts):.1f} s",
                f"{EIGHT / period_s(parts):,.0f}",
                f"{each_s * 1e6:.0f} µs",
                f"{cores:,.0f}",
                f"{ceiling:.0%}",
                f"{ceil(cores / ceiling / fleet.cores):,}",
            )
        )
    head = ("lane", "behind live", "deliveries a second", "CPU for one", "cores for 8,000,000",
            "the ladder's ceiling", "machines of 8 cores for that alone")  # fmt: skip
    yield from _table(head, rows)


def steps() -> Iterator[str]:
    """The arithmetic of eight million, one line a step."""
    known, fleet = SHIPPED.tls, Fleet()
    scenario = at_once(EIGHT, fleet)
    plan = make_plan(scenario, SHIPPED)
    rate = scenario.programme.bits_per_s
    each = float(wire_bits(rate, known.overhead)[-1])
    still = EIGHT * each
    gives = fleet.network_gbit_per_s * 1e9 * BITS_LOWER
    yield "```"
    yield f"programme                {rate:,} bit/s"
    yield f"on the wire, 15.36 s     {rate:,} × {each / rate:.3f} = {each:,.0f} bit/s a listener"
    yield f"all of them              8,000,000 × {each:,.0f} = {still / 1e9:,.0f} Gbit/s"
    joining = _part(plan, "network") - still
    yield f"who joins in that second + {joining / 1e9:,.1f} Gbit/s (a burst each)"
    yield (
        f"a machine gives          {fleet.network_gbit_per_s:g} Gbit/s × {BITS_LOWER:g} ="
        f" {gives / 1e9:g} Gbit/s"
    )
    yield (
        f"machines for that        {_part(plan, 'network') / 1e9:,.0f} / {gives / 1e9:g} →"
        f" {ceil(_part(plan, 'network') / gives)}; as many in each of {fleet.regions} regions:"
        f" {plan.machines}"
    )
    joins = _part(plan, "joins")
    yield (
        f"joins at the peak        {plan.peak_per_s:,} a second × {known.join_s * 1e6:.0f} µs ="
        f" {joins:,.0f} cores; at {fleet.join_share:.0%} of a core for joiners"
        f" {joins / fleet.join_share / fleet.cores:,.0f} machines"
    )
    yield (
        f"memory                   {EIGHT:,} × {known.memory_bytes / 1000:g} KB ="
        f" {EIGHT * known.memory_bytes / 1e9:,.0f} GB, and"
        f" {plan.processes:,} edges × {SHIPPED.edge_bytes / 1e6:g} MB"
    )
    yield (
        f"descriptors              8,000,000 / {plan.machines} ="
        f" {EIGHT / plan.machines:,.0f} a machine → {plan.processes_per_machine} edges each"
    )
    yield (
        f"money                    {plan.machines} × {scenario.prices.machine_hour:g} +"
        f" {plan.bytes_sent / 1e9:,.0f} GB × {scenario.prices.gigabyte:g} ="
        f" {plan.cost:,.0f} {plan.currency}"
    )
    yield "```"


def wire() -> Iterator[str]:
    """What boxes, TLS and packets add to a delivery, by lane: counted, not measured."""
    rows = []
    for parts in LANE_PARTS:
        one = delivery(parts, 48_000)
        rows.append(
            (
                f"{period_s(parts):g} s",
                f"{one.programme:,.0f}",
                f"{one.boxes:,.0f}",
                f"{one.records:,}",
                f"{one.frames:,} × {FRAME_BYTES}",
                f"{one.on_wire:,.0f}",
                f"{one.overhead - 1:.1%}",
            )
        )
    head = ("lane", "bytes of programme", "boxes, HTTP", "TLS", "packets", "on the wire", "more")
    yield from _table(head, rows)


def feed() -> Iterator[str]:
    """What the origin sends to the fleet, and what a relay a region would."""
    rate = sum(one.bitrate for one in RENDITIONS.values())
    rows = []
    for listeners in SIZES[1:]:
        plan = make_plan(at_once(listeners), SHIPPED)
        regions = Fleet().regions
        rows.append(
            (
                f"{listeners:,}",
                f"{plan.machines:,}",
                large(plan.machines * rate * 1.1, "bit/s"),
                large(regions * rate * 1.1, "bit/s"),
                large(ceil(plan.machines / regions) * rate * 1.1, "bit/s"),
            )
        )
    head = ("listeners at once", "machines", "origin to each machine",
            f"origin to {Fleet().regions} relays", "a relay to its machines")  # fmt: skip
    yield from _table(head, rows)


def failures() -> Iterator[str]:
    """A region lost: what is left must carry, and how fast its people can come back."""
    scenario = at_once(EIGHT)
    plan = make_plan(scenario, SHIPPED)
    regions = scenario.fleet.regions
    more = regions * ceil(plan.machines / (regions - 1))
    cut = EIGHT / regions
    known = SHIPPED.tls
    left = more * (regions - 1) / regions * scenario.fleet.cores * scenario.fleet.join_share
    yield "```"
    yield (
        f"machines, one of {regions} regions may go  "
        f" {plan.machines} × {regions}/{regions - 1} → {more}"
    )
    yield f"people cut off                       8,000,000 / {regions} = {cut:,.0f}"
    yield (
        f"handshakes that are left for them    {left:,.0f} cores / {known.join_s * 1e6:.0f} µs ="
        f" {left / known.join_s:,.0f} a second"
    )
    yield (
        f"all are back after                   {cut * known.join_s / left:,.0f} s at the soonest"
        f" (the plan asks for {RETURNS_WITHIN_S:g} s)"
    )
    yield "```"


def deploys() -> Iterator[str]:
    """A deploy under eight million TLS listeners: they come again, one machine after the other."""
    scenario = at_once(EIGHT)
    plan = make_plan(scenario, SHIPPED)
    fleet, each = scenario.fleet, EIGHT / plan.machines
    joins = each * SHIPPED.tls.join_s / (fleet.cores * fleet.join_share)
    yield "```"
    yield f"listeners of a machine     8,000,000 / {plan.machines} = {each:,.0f}"
    yield (
        f"their handshakes           {each:,.0f} × {SHIPPED.tls.join_s * 1e6:.0f} µs /"
        f" ({fleet.cores} cores × {fleet.join_share:g}) = {joins:,.0f} s"
    )
    yield (
        f"all machines, one by one   {plan.machines} × {joins:,.0f} s ="
        f" {plan.machines * joins / 60:,.0f} min"
    )
    yield "```"


def others() -> Iterator[str]:
    """Eight million by others' published figures."""
    plan = make_plan(at_once(EIGHT), SHIPPED)
    cores = plan.machines * Fleet().cores
    busy = _part(plan, "cpu")
    rows = [
        (
            "this plan, lanes up to 15.36 s",
            f"{plan.machines:,}",
            f"{cores:,}, of which {busy:,.0f} are busy",
            "extrapolated",
        )
    ]
    rows += [
        (one.name, f"{one.machines:,}", "not stated" if one.cores is None else f"{one.cores:,}",
         f"published: {one.arithmetic}")
        for one in peers(EIGHT)
    ]  # fmt: skip
    yield from _table(("", "machines", "cores", "rests on"), rows)


def cdn() -> Iterator[str]:
    """Eight million by HLS from a CDN, beside our own machines."""
    scenario = at_once(EIGHT)
    plan = make_plan(scenario, SHIPPED)
    rows = [("our own machines, as above", f"{whole(plan.cost)} {plan.currency}")]
    for price in CDN_PRICES:
        cost = plan.bytes_sent / 1e9 * price
        rows.append((f"a CDN at {price:g} a gigabyte", f"{whole(cost)} {plan.currency}"))
    yield from _table(("prices are assumed", "the hour"), rows)


FIGURES: dict[str, Callable[[], Iterator[str]]] = {
    "sizes": sizes,
    "steps": steps,
    "lanes": lanes,
    "kinds": kinds,
    "wire": wire,
    "feed": feed,
    "failures": failures,
    "deploys": deploys,
    "others": others,
    "cdn": cdn,
}


def written(page: str) -> str:
    """Return the page with its figures as the code computes them."""

    def figures(found: re.Match[str]) -> str:
        return found[1] + "\n".join(FIGURES[found[2]]()) + "\n" + found[3]

    return _MARK.sub(figures, page)


def marked(page: str) -> list[str]:
    """Return the names of the figures that a page asks for."""
    return [found[2] for found in _MARK.finditer(page)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}")
    if parser.parse_args().write:
        PAGE.write_text(written(PAGE.read_text()))
        return
    for name, lines in FIGURES.items():
        sys.stdout.write(f"\n{name}\n" + "\n".join(lines()) + "\n")


if __name__ == "__main__":
    main()
