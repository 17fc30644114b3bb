"""The page of a run for docs/benchmarks: comparisons, table, plot, raw figures, how it was done."""

import json
from pathlib import Path
from typing import Any

from side_by_side import plot, table

_HOW = Path(__file__).with_name("how.md")


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def markdown(found: dict[str, Any]) -> str:
    """Return the page."""
    machine = found["machine"]
    servers_on, clients_on = (
        ", ".join(map(str, found["placement"][who])) for who in ("servers", "clients")
    )
    lines = [
        "# This edge beside Icecast, nginx HLS and Nchan",
        "",
        f"Written by `bench/edges --listeners {found['listeners']} --seconds {found['seconds']:g}"
        f" --rounds {found['rounds']}` on {machine['date']}, commit {machine['commit']}.",
        f"{machine['processor']}, {machine['memory']}, {machine['kernel']}, Python"
        f" {machine['python']}; servers on core {servers_on}, clients on core {clients_on}.",
        "",
        "| CPU a listener-second, against | ratio: median (least–most) | to reach | aim"
        " | behind live: ours, theirs | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        _markdown_row(
            (
                one.name.replace(" : ", " against "),
                table.spread(one.ratios),
                f"≤ {one.to_reach:.2f}",
                f"≤ {one.then:.2f}",
                f"{one.behind_s[0]:.1f} s, {one.behind_s[1]:.1f} s",
                one.verdict,
            )
        )
        for one in table.comparisons(found)
    ]
    lines += ["", "![CPU of a listener and distance behind live, by server](edges.svg)", ""]
    servers = list(found["servers"].values())
    rows = [table.row(server) for server in servers]
    lines += [_markdown_row(("", *(row[0] for row in rows)))]
    lines += ["|---" * (len(rows) + 1) + "|"]
    lines += [
        _markdown_row((head, *(row[at] for row in rows)))
        for at, head in enumerate(table.HEADS)
        if at
    ]
    versions = sorted({server["version"] for server in servers})
    lines += ["", f"Versions: {', '.join(versions)}. All figures: [edges.json](edges.json).", ""]
    lines += [f"Skipped: {label}, {why}.\n" for label, why in found["skipped"].items()]
    how = _HOW.read_text().replace("@AT_ONCE@", str(found["joiners_at_once"]))
    return "\n".join([*lines, how])


def write(folder: Path, found: dict[str, Any]) -> None:
    """Write page, plot and figures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "edges.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "edges.svg").write_text(plot.svg(found))
    (folder / "edges.md").write_text(markdown(found))
