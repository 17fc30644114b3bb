#!/usr/bin/env python
"""Every scenario at full size before the fleet that its plan asks for: what people would meet.

    bench/scenarios.py [NAME…] [--listeners N] [--keep docs/benchmarks]

Each runs in a process of its own, with the costs that come with the code, as `stentor rehearse NAME
--simulate-only` does; so all but wall time and memory is the same wherever it runs. Prints a line
each. With `--keep` each is written as it ends (`scenarios.json`, and the page from those of this
code), and those that this code has run already are not run again.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from stentor.base.build import read_build
from stentor.rehearsal import found
from stentor.rehearsal.certified import digest_of
from stentor.rehearsal.judge import make_answer
from stentor.rehearsal.plan import make_plan, planned_fleet
from stentor.rehearsal.wording import scaled as sized
from stentor.rehearsal.wording import span, whole
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.run import simulate
from stentor.trials.scenarios import find_scenario

ROOT = Path(__file__).resolve().parents[1]
SEED = 1
_HEAD = """# Every scenario at full size

Simulated, every listener one by one, by `bench/scenarios.py --keep docs/benchmarks`, with the costs
that come with the code ([assumptions](../rehearsing.md#what-the-simulation-assumes)). `stentor
rehearse NAME --simulate-only` gives the same to the last bit; without `--simulate-only` costs are
measured on the machine first. **Nothing of this was run.** Time and memory are of one core, beside
other work.

"""
_COLUMNS = (
    "scenario", "people", "at once", "machines", "with attackers", "would it hold",
    "first audio, 95 of 100", "in line", "waited, 95 of 100 let in", "never heard", "had silence",
    "headroom", "on the wire", "took", "memory",
)  # fmt: skip


def one(name: str, listeners: int | None) -> dict[str, Any]:
    """Return what one scenario shows."""
    scenario = find_scenario(name, listeners).scenario
    plan = make_plan(scenario, SHIPPED)
    began_s = time.monotonic()
    course = simulate(scenario, planned_fleet(scenario, plan), SHIPPED, SEED)
    took_s = time.monotonic() - began_s
    answer = make_answer(course, plan)
    return {
        "scenario": name,
        "outcome": answer.outcome,
        "sentence": answer.sentence,
        "because": answer.because,
        "figures": {figure.name: figure.value for figure in answer.figures},
        "first_audio_p95_s": found.quantile(course, "first_audio_s", 0.95),
        "wait_p95_s": found.quantile(course, "wait_s", 0.95),
        "wrong_waits": found.wrong_waits(course),
        "course": digest_of(course),
        "edges": course.edges,
        "took_s": took_s,
        "memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def row(told: dict[str, Any]) -> list[str]:
    """Return a scenario's line of the table."""
    figures = told["figures"]
    audio_s, wait_s = told["first_audio_p95_s"], told["wait_p95_s"]
    attacked = figures.get("machines_attacked")
    return [
        f"`{told['scenario']}`",
        whole(figures["people"]),
        whole(figures["listeners_peak"]),
        f"{figures['machines']:,}",
        "–" if attacked is None else f"{attacked:,}",
        told["outcome"],
        "–" if audio_s is None else f"{audio_s:.2g} s",
        whole(figures["waiting_peak"]),
        "–" if wait_s is None else span(wait_s),
        whole(figures.get("people_never_heard", 0)),
        f"{figures.get('stalled', 0):.2%}",
        f"{max(0.0, figures['headroom']):.0%}",
        sized(figures["bits_per_s"], "bit/s"),
        span(told["took_s"]),
        sized(told["memory_bytes"], "B"),
    ]


def page(told: list[dict[str, Any]]) -> str:
    """Return the page."""
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|---" * len(_COLUMNS) + "|"]
    lines += ["| " + " | ".join(row(each)) + " |" for each in told]
    said = [
        f"- `{each['scenario']}`: {' '.join((each['sentence'], *each['because']))}" for each in told
    ]
    return (
        _HEAD + "\n".join(lines) + "\n\nIn the words of the answers:\n\n" + "\n".join(said) + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="[all of scenarios/]")
    parser.add_argument("--listeners", type=int, help="instead of each scenario's own")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(one(asked.names[0], asked.listeners)))
        return
    names = asked.names or sorted(path.stem for path in (ROOT / "scenarios").glob("*.toml"))
    file = None if asked.keep is None else asked.keep / "scenarios.json"
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(file.read_text()) if file is not None and file.exists() else []
    code = read_build().digest
    by_name = {each["scenario"]: each for each in kept}
    for name in names:
        before = by_name.get(name, {})
        if before.get("code") == code and before.get("listeners") == asked.listeners:
            print(f"{name}: there already", flush=True)
            continue
        argv = [sys.executable, __file__, name, "--alone"]
        argv += ["--listeners", str(asked.listeners)] if asked.listeners else []
        told = json.loads(subprocess.check_output(argv))
        by_name[name] = told | {"code": code, "listeners": asked.listeners}
        print(" | ".join(row(told)), flush=True)
        if file is not None:
            rows = [by_name[each] for each in sorted(by_name)]
            file.write_text(json.dumps(rows, indent=1) + "\n")
            alike = code, asked.listeners
            here = [each for each in rows if (each["code"], each["listeners"]) == alike]
            file.with_suffix(".md").write_text(page(here))


if __name__ == "__main__":
    main()
