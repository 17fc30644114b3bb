# ruff: noqa: E501 -- a page's text, as it is read
"""What `bench/attacks` measured, as a page and a plot. Nothing is measured or decided here."""

from html import escape
from typing import Any

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 11px; fill: #59636e }
.on { fill: #0969da } .off { fill: #bc6c25 }
.grid { stroke: #59636e; opacity: .25 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 }
  .on { fill: #4493f8 } .off { fill: #e0a458 } .grid { stroke: #9198a1 }
}
"""
_ROW, _TOP, _NAMES, _PANEL = 30, 56, 200, 420
_COUNTED_SHOWN = 4
# Of the edges' counters these are of everybody, attackers or not.
_EVERYBODYS = frozenset(
    (
        *("accepted", "requests", "bytes_sent", "deliveries", "joined", "left", "parts"),
        *("partial_sends", "tls_handshakes", "admitted_at_once", "feed_gaps"),
        # of the edges' own work, and of parts that are not there in a bench
        *("shield_us", "policies", "unsent_facts", "unsent_seconds", "answers_5xx"),
    )
)


def _rate(times: float) -> str:
    return f"{times:g}×" if times else "highest"


def _s(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _counted(one: dict[str, Any]) -> str:
    own = {n: c for n, c in one["counted"].items() if n not in _EVERYBODYS and c > 0}
    own.update({n: c for n, c in one["kernel"].items() if c > 0})
    largest = sorted(own.items(), key=lambda pair: -pair[1])[:_COUNTED_SHOWN]
    return ", ".join(f"`{name}` {count:,}" for name, count in largest) or "–"


def _row(one: dict[str, Any]) -> str:
    share = one["came_in"] / max(1, one["people"])
    return " | ".join(
        (
            f"| {one['family']}",
            "on" if one["defences"] else "off",
            _rate(one["times"]),
            f"{one['sent_per_s']:,.0f}",
            f"{share:.2%}",
            _s(one["first_audio_p95_s"]),
            _s(one["wait_p95_s"]),
            f"{one['stalls']} ({one['stalled_points']:g})",
            str(one["lost"]),
            f"{one['bans']} {one['stress']}".strip(),
            f"{_counted(one)} |",
        )
    )


def page(found: dict[str, Any]) -> str:
    """Return the page."""
    measured = found["measured"]
    quiet = next(one for one in measured if one["family"] == "none")
    attacks = [one for one in measured if one["family"] != "none"]
    at_ten = [one for one in attacks if one["defences"] and one["times"] == 10]
    worst_in = min((one["came_in"] / max(1, one["people"]) for one in at_ten), default=1.0)
    on = [one for one in attacks if one["defences"]]
    worst_stall = max((one["stalled_points"] for one in on), default=0.0)
    carrier = found["carrier"]
    rows = "\n".join(_row(one) for one in measured)
    verdicts = "\n".join(f"| {name} | {said} |" for name, said in found["verdicts"].items())
    where = "a network namespace of its own" if found["namespace"] else "loopback"
    return f"""# Attacks on real edges

One run of `bench/attacks.py --seed {found["seed"]}` in {where}, {found["took_s"]} s: {found["machine"]}.
Attackers, people and edges share its processors; attackers run at nice 15.

Two edges, {found["present"]:,} people present (each part of each of them checked), {found["per_s"]:g} more
joining a second, each from an address of their own, whenever they are due and however the edge fares
(open loop); the doors let in {found["capacity"]:g} times that. They come for {found["seconds"]:g} s and the attack lasts
{found["seconds"] + 1:g} s, so most of the 60 s that they have are without one. It is at so many times the people's rate as the table says, or as fast as
this machine sends, 20,000 a second at most. *On*: the default limits with nobody exempt, the watch, and SYN cookies. *Off*:
no limit of networks, no watch, no SYN cookies. The guard runs beside *on* as root and drops nobody: attackers come from loopback and from the
machine's own network, which it never bans. The spray at the stage's ports is [measured apart](drops.md). The same seed throughout. All is measured at the clients.

| what | to reach | measured |
|---|---|---|
| people who got in within 60 s, attacks at 10×, worst family | ≥ 99.5 % | {worst_in:.2%} |
| stalls of those present, any family at any rate, points above none | ≤ 0.1 | {worst_stall - quiet["stalled_points"]:+.4f} |
| behind a carrier's address with 1 % bots: refusals, and people not in within 60 s, against elsewhere | ≤ 1.1× | {carrier["refused_ratio"]:g}× |

![Until people were in, by family](attacks.svg)

Seconds are 95th percentiles: *audio* from when one came until one heard, of those let in at once; *line* of
those who waited. *Stalls* are those of people present, with what they lost in per cent of their time. *Shield*
is how many networks were banned at the end, and the stress.

| family | defences | rate | sent a second | got in | audio, s | line, s | stalls | lost | shield | counted |
|---|---|---|---|---|---|---|---|---|---|---|
{rows}

What the report's own code concludes from the ledger of each family's half minute (a whole evening tells more):

| family | verdict |
|---|---|
{verdicts}

Behind the carrier's one address {carrier["carrier"]["people"]:,} people joined beside {carrier["bots"]} bots that
sent {carrier["bots_sent_per_s"]:g} malformed requests a second: {carrier["carrier"]["came_in"]:,} got in
({carrier["carrier"]["sent_away_per_person"]:g} refusals a person, audio within {_s(carrier["carrier"]["first_audio_p95_s"])} s, who stood in line {_s(carrier["carrier"]["wait_p95_s"])} s, p95);
elsewhere {carrier["elsewhere"]["came_in"]:,} of {carrier["elsewhere"]["people"]:,} ({carrier["elsewhere"]["sent_away_per_person"]:g}; {_s(carrier["elsewhere"]["first_audio_p95_s"])} s, {_s(carrier["elsewhere"]["wait_p95_s"])} s). Networks banned: {carrier["bans"]}.
"""


def _until_in_s(one: dict[str, Any]) -> float:
    """Return after how long 95 of 100 who got in had audio, or their place's turn."""
    return max(one["first_audio_p95_s"] or 0.0, one["wait_p95_s"] or 0.0)


def plot(found: dict[str, Any]) -> str:
    """Return how long people took to get in at ten times their rate, defences on and off."""
    attacks = [one for one in found["measured"] if one["times"] == 10]
    names = list(dict.fromkeys(one["family"] for one in attacks))
    most_s = max([10.0, *map(_until_in_s, attacks)])
    height = _TOP + _ROW * len(names) + 40
    width = _NAMES + _PANEL + 110
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        ' aria-label="How long people took to get in while attacked at ten times their rate">',
        f"<style>{_STYLE}</style>",
        '<text x="10" y="20">Until people were in, attacked at ten times their rate</text>',
        '<text class="small" x="10" y="40">seconds, 95 of 100 people; blue: defences on,'
        " brown: off; per cent who got in within 60 s</text>",
    ]
    for quarter in range(5):
        x = _NAMES + _PANEL * quarter / 4
        lines.append(
            f'<line class="grid" x1="{x}" y1="{_TOP}" x2="{x}" y2="{height - 34}"/>'
            f'<text class="small" x="{x}" y="{height - 18}" text-anchor="middle">'
            f"{most_s * quarter / 4:.3g}</text>"
        )
    for row, name in enumerate(names):
        y = _TOP + row * _ROW
        lines.append(f'<text x="{_NAMES - 8}" y="{y + 19}" text-anchor="end">{escape(name)}</text>')
        for one in attacks:
            if one["family"] != name:
                continue
            seconds, share = _until_in_s(one), one["came_in"] / max(1, one["people"])
            top, length = y + (5 if one["defences"] else 15), _PANEL * seconds / most_s
            lines.append(
                f'<rect class="{"on" if one["defences"] else "off"}" x="{_NAMES}" y="{top}"'
                f' width="{max(1.0, length):.1f}" height="9"/>'
                f'<text class="small" x="{_NAMES + length + 5:.1f}" y="{top + 9}">'
                f"{seconds:.2g} s, {share:.1%}</text>"
            )
    lines.append("</svg>")
    return "\n".join(lines) + "\n"
