"""What was found, as rows: one a server, and one a comparison with what is to be reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

_PAIRS = (
    ("stentor-slow", "nginx-hls", 1 / 3, 1 / 4),
    ("stentor-slow", "icecast", 1 / 2, 1 / 3),
    ("stentor-fast", "nchan", 1.0, 0.85),
    ("stentor-tls", "nginx-hls-tls", 2 / 3, 1 / 2),
)
HEADS = (
    "server",
    "listeners",
    "CPU µs a listener-second",
    "idle CPU",
    "behind live s (p50, p95)",
    "kbit/s",
    "stalls",
    "lost",
    "bytes a listener: process + kernel",
    "joins per CPU-second",
    "joins/s",
    "flood: joins/s offered",
    "flood: heard",
    "flood: told otherwise",
    "flood: first audio s (p50, p95)",
    "flood: stalls of the present, lost",
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One pair's CPU, and whether it is no further behind live."""

    name: str
    ratios: tuple[float, ...]
    to_reach: float
    then: float
    behind_s: tuple[float, float]  # this edge's, the peer's

    @property
    def verdict(self) -> str:
        """Say whether it is reached."""
        if self.behind_s[0] > self.behind_s[1]:
            return "further behind live than the peer"
        found = median(self.ratios)
        if found <= self.then:
            return "aim reached"
        return "reached" if found <= self.to_reach else "not reached"


def costs(server: dict[str, Any]) -> list[float]:
    """Return CPU microseconds a listener-second, one a round."""
    return [one["cpu_us_per_listener_s"] for one in server["rounds"]]


def _behind(server: dict[str, Any]) -> float:
    return median(one["behind_p50_s"] for one in server["rounds"])


def comparisons(found: dict[str, Any]) -> list[Comparison]:
    """Return the pairs that were measured: ratios are of the same round."""
    servers = found["servers"]
    found_pairs = [
        Comparison(
            f"{servers[ours]['label']} : {servers[peer]['label']}",
            tuple(
                a / b for a, b in zip(costs(servers[ours]), costs(servers[peer]), strict=True) if b
            ),
            to_reach,
            then,
            (_behind(servers[ours]), _behind(servers[peer])),
        )
        for ours, peer, to_reach, then in _PAIRS
        if ours in servers and peer in servers
    ]
    return [one for one in found_pairs if one.ratios]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median and, of several, the least and the most."""
    middle = f"{median(values):.{digits}f}"
    if len(values) < 2:
        return middle
    return f"{middle} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def row(server: dict[str, Any]) -> tuple[str, ...]:
    """Return one server's figures as words, in the order of HEADS."""
    rounds, memory, flood = server["rounds"], server["memory"], server["flood"]
    last = rounds[-1]
    return (
        server["label"],
        f"{median(one['listeners'] for one in rounds):.0f}",
        spread(costs(server)),
        f"{server['idle_cpu_share'] * 100:.1f} %",
        f"{last['behind_p50_s']:.1f}, {last['behind_p95_s']:.1f}",
        f"{median(one['bytes_per_listener_s'] for one in rounds) * 8 / 1000:.1f}",
        f"{sum(one['stalls'] for one in rounds)}",
        f"{sum(one['lost'] for one in rounds)}",
        f"{memory['process_bytes']:.0f} + {memory['kernel_bytes']:.0f}" if memory else "–",
        f"{server['joins_per_cpu_s']:.0f}" if server["joins_per_s"] else "–",
        f"{server['joins_per_s']:.0f}" if server["joins_per_s"] else "–",
        f"{flood['offered_per_s']:.0f}" if flood else "–",
        f"{flood['heard_share'] * 100:.0f} %" if flood else "–",
        _told(flood["why_not"]) if flood else "–",
        f"{flood['first_p50_s']:.2f}, {flood['first_p95_s']:.2f}" if flood else "–",
        f"{flood['present_stalls']}, {flood['present_lost']}" if flood else "–",
    )


def _told(why_not: dict[str, int]) -> str:
    """Return what joiners got instead of audio, the most frequent first."""
    often = sorted(why_not.items(), key=lambda one: -one[1])[:2]
    return ", ".join(f"{why.removeprefix('HTTP/1.1 ')}: {count}" for why, count in often) or "–"


def sentences(found: dict[str, Any]) -> list[str]:
    """Return the comparisons as lines."""
    return [
        f"{one.name}: {spread(one.ratios)} of its CPU (to reach {one.to_reach:.2f}, aim"
        f" {one.then:.2f}); {one.behind_s[0]:.1f} s behind live against"
        f" {one.behind_s[1]:.1f} s: {one.verdict}"
        for one in comparisons(found)
    ]


def text(found: dict[str, Any]) -> str:
    """Return everything for a terminal: figures down, servers across would not fit; so, lists."""
    lines = [
        f"{found['listeners']} listeners a server, {found['rounds']} rounds of"
        f" {found['seconds']:.0f} s; servers on cores {found['placement']['servers']},"
        f" clients on {found['placement']['clients']}",
        ", ".join(f"{name} {value}" for name, value in found["machine"].items()),
    ]
    for server in found["servers"].values():
        lines += ["", f"{server['label']}  ({server['version']})"]
        lines += [
            f"  {head:36} {value}" for head, value in zip(HEADS[1:], row(server)[1:], strict=True)
        ]
    lines += ["", *sentences(found)]
    lines += [f"skipped: {label} {why}" for label, why in found["skipped"].items()]
    return "\n".join(lines)
