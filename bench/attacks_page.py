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


def _share(one: dict[str, Any]) -> float:
    return float(one["came_in"] / max(1, one["people"]))


def _row(one: dict[str, Any]) -> str:
    return " | ".join(
        (
            f"| {one['family']}",
            "on" if one["defences"] else "off",
            _rate(one["times"]),
            f"{one['sent_per_s']:,.0f}{' (the cap)' if one['at_cap'] else ''}",
            f"{one['attack_s']:.0f}",
            f"{_share(one):.2%}",
            _s(one["first_audio_p95_s"]),
            f"{_s(one['wait_p95_s'])} of {one['waited']}" if one["waited"] else "–",
            f"{one['stalls']} ({one['stalled_points']:g})",
            str(one["lost"]),
            f"{one['bans']} {one['stress']}".strip(),
            f"{_counted(one)} |",
        )
    )


def _spray_row(measured: list[dict[str, Any]]) -> str:
    sprayed = [one for one in measured if one["stage"]]
    told = "; ".join(
        f"{one['stage']['lost']:.0f} of {one['stage']['received']:.0f}"
        f" ({'on' if one['defences'] else 'off'}, {_rate(one['times'])})"
        for one in sprayed
    )
    return (
        "| a speaker's packets lost on the stage whose port is sprayed, listeners beside it"
        f" | 0 | {told or 'not measured'} |"
    )


def _compared(attacks: list[dict[str, Any]], found: dict[str, Any]) -> str:
    """Return what on against off says at ten times, whichever way it came out."""
    at_ten = [one for one in attacks if one["times"] == 10]
    on = {one["family"]: one for one in at_ten if one["defences"]}
    off = {one["family"]: one for one in at_ten if not one["defences"]}
    both = [name for name in on if name in off]
    if not both:
        return ""
    worst = min(_share(off[name]) for name in both)
    times = found["capacity"]
    told = f"**With the defences off {worst:.2%} got in at 10×, in the worst family"
    if worst >= 0.995:
        told += (
            f": so this row does not show what the defences are for.** Where the doors let in"
            f" {times:g} times the people's rate, the line by itself gets everybody in."
        )
    else:
        told += ".**"

    def waits(one: dict[str, Any]) -> float:
        return float(one["wait_p95_s"] or 0.0)

    for word, names in (
        ("Shorter", [name for name in both if waits(on[name]) < waits(off[name]) - 1]),
        ("Longer", [name for name in both if waits(on[name]) > waits(off[name]) + 1]),
    ):
        pairs = ", ".join(
            f"{name} ({_s(on[name]['wait_p95_s'])} against {_s(off[name]['wait_p95_s'])} s)"
            for name in names
        )
        told += f" {word} in line by more than a second with the defences on: {pairs or 'none'}."
    minute_s = 60 / max(0.01, (1 + 10) / times - 1)
    return (
        told
        + f"""

Limits of networks shorten the line only where a family has few addresses; nothing else of the defences acts on it at
10× (no proof of work: it is asked in a siege only). What decides the wait is what the line knows: it calls
{times * found["per_s"]:g} a second until it has learnt, some six seconds after it began, that most whom it calls do not come; then it
calls up to five times as many. So edges whose line has learnt from one family are replaced before the next. Where they
were not, join-flood-many took 9 s on and 5 s off for this reason alone: on fresh edges it takes 9.4 and 9.6 s on, 9.7 and
9.5 off, a second time on the same edges 5.1 and 5.4 on, 5.2 and 5.3 off (`--families join-flood-many --rates 10 10
--per-s 40 --present 100`, twice, 23 November, beside other work).

A mimic comes when it is called, so its line is as long as they are many: at 10× and {times:g} times the room it grows by
{(1 + 10) / times - 1:.1f} s a second. Reckoned, not measured: who comes after {minute_s:.0f} s of that waits for more than a minute, on as off."""
    )


def _carrier_told(carrier: dict[str, Any]) -> str:
    own, others = carrier["carrier"], carrier["elsewhere"]
    return f"""Behind the carrier's one address {own["people"]:,} people joined beside {carrier["bots"]} bots that
sent {carrier["bots_sent_per_s"]:g} malformed requests a second: {own["came_in"]:,} got in
({own["sent_away_per_person"]:g} refusals a person, audio within {_s(own["first_audio_p95_s"])} s, who stood in line {_s(own["wait_p95_s"])} s, p95);
elsewhere {others["came_in"]:,} of {others["people"]:,} ({others["sent_away_per_person"]:g}; {_s(others["first_audio_p95_s"])} s, {_s(others["wait_p95_s"])} s). Networks banned: {carrier["bans"]}."""


def page(found: dict[str, Any]) -> str:
    """Return the page."""
    measured = found["measured"]
    quiet = next(one for one in measured if one["family"] == "none")
    attacks = [one for one in measured if one["family"] != "none"]
    at_ten = [one for one in attacks if one["defences"] and one["times"] == 10]
    worst_in = min(map(_share, at_ten), default=1.0)
    lasted_s = [one["attack_s"] for one in at_ten] or [0.0]
    worst_stall = {
        defences: max(
            (one["stalled_points"] for one in attacks if one["defences"] is defences), default=0.0
        )
        for defences in (True, False)
    }
    capped = sorted({one["family"] for one in attacks if one["at_cap"]})
    carrier, scarce = found["carrier"], found["carrier_scarce"]
    rows = "\n".join(_row(one) for one in measured)
    where = "a network namespace of its own" if found["namespace"] else "loopback"
    return f"""# Attacks on real edges

One run of `bench/attacks.py --seed {found["seed"]}` in {where}, {found["took_s"]} s: {found["machine"]}.
Attackers, people and edges share its processors; attackers run at nice 15.

Two edges, {found["present"]:,} people present (each part of each of them checked), {found["per_s"]:g} more
joining a second, each from an address of their own, whenever they are due and however the edge fares
(open loop); the doors let in {found["capacity"]:g} times that. They come for {found["seconds"]:g} s. At 10× their rate the attack goes on until
the last of them is in, 60 s at most; at the highest, {found["worst_s"]:g} s, and *got in* is who did within these. The highest is what this
machine sends beside all else, or the tool's own cap of 20,000 a second: then it says so, and more could be sent ({", ".join(capped) or "none"}).
*On*: the default limits with nobody exempt, the watch, SYN cookies, and a filter on the stage's sockets. *Off*: no limit of
networks, no watch, no SYN cookies, no filter. The guard runs beside *on* as root and drops nobody: attackers come from loopback and from the
machine's own network, which it never bans. The spray goes to the media port of a speaker who speaks, on a stage beside the edges. The same seed throughout. All is measured at the clients,
but for the speaker's packets, which the stage counts.

| what | to reach | measured |
|---|---|---|
| people who got in within 60 s, attacks at 10× that last as long as they come and wait ({min(lasted_s):.0f} to {max(lasted_s):.0f} s), worst family | ≥ 99.5 % | {worst_in:.2%} |
| stalls of those present, any family at any rate, points above none | ≤ 0.1 | {worst_stall[True] - quiet["stalled_points"]:+.4f} |
| … with the defences off | – | {worst_stall[False] - quiet["stalled_points"]:+.4f} |
{_spray_row(measured)}
| behind a carrier's address with 1 % bots: refusals, and people not in within 60 s, against elsewhere | ≤ 1.1× | {carrier["refused_ratio"]:g}× |
| … where a line forms, as twice as many come as the doors let in | ≤ 1.1× | {scarce["refused_ratio"]:g}× |

{_compared(attacks, found)}

![Until people were in, by family](attacks.svg)

Seconds are 95th percentiles: *audio* from when one came until one heard, of those let in at once; *line* of
those who waited, and how many that were. *Stalls* are those of people present, with what they lost in per cent of their time. *Shield*
is how many networks were banned at the end, and the stress.

| family | defences | rate | sent a second | for, s | got in | audio, s | line, s | stalls | lost | shield | counted |
|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}

What the report says of each family is told of whole [evenings](evenings.md): of half a minute it concludes nothing.

{_carrier_told(carrier)}

The same where a line forms, the doors let in {scarce["capacity"]:g} times the people's rate while twice as many come: {_carrier_told(scarce)}
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
            seconds, share = _until_in_s(one), _share(one)
            top, length = y + (5 if one["defences"] else 15), _PANEL * seconds / most_s
            lines.append(
                f'<rect class="{"on" if one["defences"] else "off"}" x="{_NAMES}" y="{top}"'
                f' width="{max(1.0, length):.1f}" height="9"/>'
                f'<text class="small" x="{_NAMES + length + 5:.1f}" y="{top + 9}">'
                f"{seconds:.2g} s, {share:.1%}</text>"
            )
    lines.append("</svg>")
    return "\n".join(lines) + "\n"
