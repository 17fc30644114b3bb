"""Writes what `bench/verdict.py` found as a page and a plot. Computes nothing new."""

# ruff: noqa: E501 -- lines of a page

import math
from collections.abc import Mapping, Sequence
from typing import Any

from verdict_fit import wilson

WORDS = (
    "quiet",
    "flash crowd",
    "attack withstood",
    "attack-caused",
    "overload, attack not necessary",
    "overload, attack or not",
    "self-inflicted",
    "cannot be told",
)
EITHER = "overload, attack or not"


def share(hits: int, n: int) -> dict[str, float]:
    """Return a share with its 95 % interval."""
    low, high = wilson(hits, n)
    return {"n": n, "hits": hits, "share": hits / n if n else math.nan, "low": low, "high": high}


def percent(one: Mapping[str, float]) -> str:
    """Return a share with its interval."""
    if not one["n"]:
        return "–"
    return f"{one['share']:.1%} ({one['low']:.1%}–{one['high']:.1%})"


def right(truth: str, said: Mapping[str, int]) -> int:
    """Return how often what was said was so; that people alone were too many can be said of two."""
    either = (
        said.get(EITHER, 0) if truth in ("flash crowd", "overload, attack not necessary") else 0
    )
    return said.get(truth, 0) + either


def confusion_table(table: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return the confusion matrix as Markdown."""
    head = " | ".join(WORDS)
    lines = [
        f"| so it was \\ so it was said | {head} | right, of those said |",
        "|---" * (len(WORDS) + 2) + "|",
    ]
    for truth in (one for one in WORDS if one in table):
        said = table.get(truth, {})
        decided = sum(n for word, n in said.items() if word != "cannot be told")
        cells = " | ".join(str(said.get(word, 0)) for word in WORDS)
        lines.append(f"| **{truth}** | {cells} | {percent(share(right(truth, said), decided))} |")
    return lines


def plot(reliability: Sequence[Mapping[str, float]], methods: Mapping[str, float]) -> str:
    """Return the reliability diagram and the methods' balanced accuracy, side by side, as SVG."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 320" width="760" height="320"'
        ' font-family="system-ui, sans-serif" font-size="12" fill="#444">',
        '<rect width="760" height="320" fill="#fff"/>',
        '<text x="50" y="24" font-size="14">Said likelihood, and how often it was so</text>',
        '<path d="M50 280 H290 M50 280 V40" stroke="#999" fill="none"/>',
        '<path d="M50 280 L290 40" stroke="#bbb" stroke-dasharray="4 4" fill="none"/>',
    ]
    for at in (0.0, 0.5, 1.0):
        parts.append(f'<text x="{50 + 240 * at:.0f}" y="296" text-anchor="middle">{at:.1f}</text>')
        parts.append(f'<text x="44" y="{284 - 240 * at:.0f}" text-anchor="end">{at:.1f}</text>')
    for one in reliability:
        x = 50 + 240 * one["said"]
        y, low, high = (280 - 240 * one[key] for key in ("share", "low", "high"))
        size = 3 + min(6.0, one["n"] ** 0.5 / 4)
        parts.append(f'<path d="M{x:.1f} {low:.1f} V{high:.1f}" stroke="#7a9cc6"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="#2a5d9f"/>')
    parts.append('<text x="350" y="24" font-size="14">Balanced accuracy on unseen families</text>')
    for n, (name, value) in enumerate(methods.items()):
        y, width = 50 + 40 * n, 220 * max(0.0, value - 0.5) / 0.5
        color = "#2a5d9f" if n == 0 else "#b9b9b9"
        parts.append(f'<text x="350" y="{y + 14}">{name}</text>')
        parts.append(f'<rect x="470" y="{y}" width="{width:.1f}" height="20" fill="{color}"/>')
        parts.append(f'<text x="{476 + width:.0f}" y="{y + 14}">{value:.2f}</text>')
    parts.append('<text x="470" y="296">0.5 is a coin</text>')
    return "\n".join([*parts, "</svg>", ""])


NOT_SHOWN = """## What this does not show

- These evenings were invented. People, attackers and machines behave as this project's simulator has them
  behave; the signs were chosen by the same authors. That a family was left out of the fitting does not make the
  simulator's attackers those of the world. Figures on real traffic will be worse.
- The door, the ladder, the line's places, the summaries, the merging, the shield and the verdict are the
  production code. What a connection costs, how queues fill and how clients behave is a model, in one process.
- Half of the machines speak TLS: while there is no end of those who come, a quarter of a second's worth of handshakes
  waits, and the kernel drops the rest (decision 34). The others have the kernel's queue, a third of a second of joins at full pace,
  and a crush (decision 26). A machine here lets in 240 to some thousand a second, a real core 11,600 (1,600 by TLS):
  what holds a second's worth here is coarser, and so later, than there (see “By size”).
- Machines and crowds are scaled down: 8,000 to 28,000 people and as many listeners again, and a machine that they fill
  or do not. Sketches are nearly exact at this size.
- Signs and the rules by which bounds are found were chosen on evenings of other seeds than those measured here;
  weights, floors and bounds were fitted to them too. The evenings measured here were looked at only when that was done, but for
  what stands at the top of this page.
- A crowd drawn as these were is called an attack less often than once in as many as there were crowds to set the
  bound by (split conformal prediction); of other crowds, such as none of ours resembles, nothing is promised.
- People here come by our page. Where many come at once by players that never show it (radio apps, a page that
  embeds the stream), while others come by the page all evening, they look like strangers, and may be called an attack.
- Evenings here last 100 s. One of hours has more windows in which something may stand out by chance.
- Evenings whose people alone neither overload the machine (over 15 % not served within 3 s) nor fit it (under
  3 %) were drawn again: borderline evenings are rarer here than in life, where more would be untold.
- An attack that has prepared for days, with reminders and visits from people's own networks, cannot be told
  from people by any sign that this method has. It is why a crowd is called one only when half of those who are
  vouched for would have been too many.
- SYN floods and sprays at the stage's ports never reach an edge and are not simulated; the kernel's counters
  tell of them, and this method does not weigh those yet.
- People here wait for 8 s to be answered before they come again; our page waits for 6.
- Proof of work is not simulated: bots are taken not to work, people neither.
"""


def late_table(lines: Sequence[Sequence[Any]]) -> list[str]:
    """Return how attacks were seen by size and kind, as Markdown."""
    return [
        "| of attacks of people's demand or ten times that | there were | seen | p50 | p95 | within 2 s |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(str(one) for one in line)} |" for line in lines),
    ]


def sizes(found: Mapping[str, Any]) -> list[str]:
    """Return what depends on how large evenings are."""
    small = found["small"]
    return [
        "## By size",
        "",
        "Evenings have 8,000 to 28,000 people here, and machines let in 240 a second at least, a seventh of a core that speaks TLS.",
        "Before, they were smaller: 400 to 1,800 people (99 a class, seed 17: balanced accuracy 0.946 of those said, delay p95 5.2 s),",
        "1,500 to 6,000 (300 a class, seed 41: 0.975 and 2.2 s), 3,000 to 12,000 and 60 a second at least (seed 47: 0.966 and 2.7 s;",
        "where 400 a second fit and more, 1.7 s). The fewer people, the slower the machine that they overload: one that 400 overload",
        "lets in 1 to 100 a second, where a core of a real one lets in 11,600 without TLS, some 1,600 with it; and where ten are let",
        "in a second, the tenth bot is heard after seconds. So an edge that has a tenth of a core for joiners in an overload is as late",
        "as the lines of few joins a second say. Networks and attackers' addresses grow along.",
        "",
        "A part of the delay is a wait: in an overload bots stand in the same queue as people, and the edge hears of them",
        "when it comes to them (the first line is without that). Until decision 34 that was half a second by TLS and, as an overload",
        "began, up to two and a half (seed 67: p95 2.3 s, 2.7 by TLS); now those who come by TLS are known while they wait, but for",
        "those for whom there is no room. Without TLS they wait in the kernel: for a third of a second at full pace, and for one to",
        "two where deliveries leave little time. What stands out is weighed otherwise since then, too: what grows with the audience is",
        "measured against its growth, and a sign that told of nothing is gone.",
        "By size:",
        "",
        *late_table(found["late"]),
        "",
        "| was there attack traffic? | evenings | balanced, of those said | attacks: yes, untold, no | others: yes, untold, no |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(line)} |" for line in found["told"]),
        f"| small ones: {' | '.join(small['told'])} |",
        "",
        "Small ones, of 400 to 1,800 people, in none of the figures above, by the same method and floors (harmless ones with",
        f"any alarm: {percent(small['false_alarms'])}):",
        "",
        *late_table(small["late"]),
        "",
    ]


def delay_lines(found: Mapping[str, Any]) -> list[str]:
    """Return the detection delays by an attack's size, as Markdown."""
    lines = [
        "| attack, against what people ask | seen | p50 | p95 | not seen |",
        "|---|---|---|---|---|",
    ]
    for name, one in found.items():
        lines.append(
            f"| {name} | {one['n']} | {one['p50_s']:.1f} s | {one['p95_s']:.1f} s | {one['missed']} |"
        )
    return lines


def page(found: Mapping[str, Any]) -> str:
    """Return the whole page."""
    seen, mimic = found["presence"], found["mimic"]
    big = found["presence_from_1"]
    lines = [
        "# Crowd, attack, both or our own fault: the verdict on simulated evenings",
        "",
        f"Written by `{found['command']}` on {found['when']}, commit {found['commit']}. {found['machine']}.",
        "",
        f"The method was fitted to {found['training']} evenings a class of another seed ({found['trained_on']}); each attack"
        " is judged by one",
        "that was fitted without its family. Intervals are 95 % (Wilson).",
        "",
        *([found["note"], ""] if found["note"] else []),
        "| what | to reach | measured | |",
        "|---|---|---|---|",
        *(f"| {what} | {aim} | {value} | {how} |" for what, aim, value, how in found["table"]),
        "",
        "![Reliability of the likelihood, and balanced accuracy beside known methods](verdict.svg)",
        "",
        "## Was attack traffic there?",
        "",
        "| | said yes | cannot be told | said no |",
        "|---|---|---|---|",
        f"| it was | {seen['found']} | {seen['untold_attacks']} | {seen['missed']} |",
        f"| … of the size of people's demand or ten times that | {big['found']} |"
        f" {big['untold_attacks']} | {big['missed']} |",
        f"| it was not | {seen['accused']} | {seen['untold_harmless']} | {seen['cleared']} |",
        "",
        f"Balanced accuracy {seen['balanced']:.3f} of those said, {seen['balanced_abstentions_wrong']:.3f} if"
        " every abstention is called wrong; for attacks of people's demand or more"
        f" {big['balanced']:.3f} and {big['balanced_abstentions_wrong']:.3f}. An attack of a tenth of people's"
        " demand is a few connections a second among scans, crawlers and bad radio; most of the misses are there:",
        "",
        "| family (unseen) | 0.1×: yes, untold, no | 1× | 10× |",
        "|---|---|---|---|",
        *(f"| {name} | {a} | {b} | {c} |" for name, a, b, c in found["families"]),
        "",
        "## The word",
        "",
        *confusion_table(found["confusion"]),
        "",
        "How much a word is worth, on evenings of which so many are of each class; the report says it beside the word:",
        "",
        "| said | was so |",
        "|---|---|",
        *(
            f"| {word} | {one['hits']} of {one['n']}: {percent(one)} |"
            for word, one in ((word, found["words_said"].get(word)) for word in WORDS)
            if one
        ),
        "",
        f"Balanced accuracy over the six words {found['balanced_words']:.3f} of those said;"
        f" {found['untold_share']:.0%} of evenings are untold. What was so is known from running the same evening"
        " again without the attack or the fault. A crowd is called one only if half of those who are vouched for"
        " (reminders, listeners who lost their connection), or a quarter of all who came, would have been too many;"
        f" else it may be a mimic. “{EITHER}” counts as right where people alone were too many, whether or not"
        " there was an attack as well.",
        "",
        "## A perfect mimic, as numerous as people or up to twice that",
        "",
        f"From the same networks, with visits, slots, pace and audio as people: {percent(mimic['untold'])} untold,"
        f" {mimic['accused']} called an attack, {mimic['crowd']} called a crowd, {mimic['quiet']} quiet (nothing failed).",
        f"Of those evenings in which something failed, untold: {percent(mimic['untold_failed'])}."
        f" With a past (reminders in people's share): {percent(mimic['prepared'])} untold of those that failed.",
        f"Let in within a minute: {mimic['people_in']:.1%} of people, {mimic['bots_in']:.1%} of bots: no worse than each other.",
        "",
        "## When is it seen?",
        "",
        "The assessment of each second, for the operator's page; nothing that defends waits for it. Counted from the",
        "first thing that a bot does (of those that rise slowly, from half of their rate) to the end of the second that",
        "says so, and a fifth of a second more: when the watch looks. Of those that were seen; the last column counts the others.",
        "",
        *delay_lines(found["delays"]),
        "",
        f"Harmless evenings of 100 s with any alarm: {percent(found['false_alarms'])}.",
        "",
        *sizes(found),
        "## Who is harmed",
        "",
        "| | people | refused or untold within 10 s |",
        "|---|---|---|",
        *(f"| {name} | {n} | {value} |" for name, n, value in found["harm"]),
        "",
        "In a crowd of up to 16 times what joiners' time allows, whoever is not looked at within ten seconds has heard",
        "nothing yet: the queue of connections is not the line (decision 20).",
        "",
        "People who did not hear within 3 s, or not without a break, when an attack of ten times their demand meets a",
        "machine that they alone would not fill; same evenings with the shield's policies obeyed, and not:",
        "",
        "| family | shield on | shield off |",
        "|---|---|---|",
        *(f"| {name} | {on} | {off} |" for name, on, off in found["defended"]),
        "",
        "Limits of networks and places in line hold in both: they need no shield. They are wide here, on purpose: one",
        "address may take a tenth to a half of the joiners' time (by default a fiftieth on a usual machine), so that",
        "floods get through to what is measured. Joins by many addresses look like people and are not banned: against",
        "them only more room, the line and reminders help.",
        "",
        "## Likelihood",
        "",
        f"Brier score {found['brier']:.3f}.",
        "",
        "| said | was so | evenings |",
        "|---|---|---|",
        *(f"| {one['said']:.2f} | {percent(one)} | {one['n']} |" for one in found["reliability"]),
        "",
        "## Known methods on the same records",
        "",
        "Each with the threshold that was best on the other folds. None of them can abstain, so beside them stands this verdict as",
        "well if it had to say yes or no each time, by the likelier of both.",
        "",
        "| method | balanced accuracy | crowds called an attack |",
        "|---|---|---|",
        f"| this verdict, of those said | {seen['balanced']:.2f} | {found['crowds_accused']} of {found['crowds']} |",
        f"| this verdict, always said | {found['forced']['balanced']:.2f} | {found['forced']['crowds_accused']} of {found['crowds']} |",
        *(
            f"| {name} | {one['balanced']:.2f} | {one['crowds_accused']} of {one['crowds']} |"
            for name, one in found["baselines"].items()
        ),
        "",
        NOT_SHOWN,
    ]
    return "\n".join(lines)
