"""What each key of a scenario means, for people who write one: a table for docs/rehearsing.md.

Bounds are those of `limits`, defaults those of the structs; a test holds all of them together.
"""

import msgspec

from stentor.simulate.fleet.bots import ACTS
from stentor.simulate.fleet.limits import LIMITS
from stentor.simulate.fleet.scenario import (
    Arrivals,
    Attack,
    Event,
    Fault,
    Fleet,
    Prices,
    Programme,
    Scenario,
    Staying,
)

ABOUT: dict[type[msgspec.Struct], dict[str, str]] = {
    Scenario: {
        "name": "what it is called; the file's name",
        "about": "one line that says what happens",
        "sources": "where its figures are from",
    },
    Event: {
        "listeners": "how many people come in all, once each",
        "lasts_s": "how long is simulated",
        "hour_s": "when the conversation is to begin",
        "ends_s": "when it is over and all leave; not given: never",
    },
    Arrivals: {
        "model": "`crowd`, `ramp`, `steady`, `news` or `course`",
        "share": "of the people; those of all groups add up to 1",
        "from_s": "nobody of them before",
        "until_s": "nobody of them after; not given: to the end",
        "spread_s": "how sharp: the time constant of `crowd` and `news`, the rise of `ramp`",
        "points": "of a `course`: [second, people who have come until then], in any unit",
        "reminded": "of them, hold a reminder's ticket",
        "source": "where it is from",
    },
    Staying: {
        "median_s": "how long people listen, log-normal",
        "sigma": "of its logarithm",
        "patience_s": "how long they wait, in line or for an answer, exponential: the median",
        "returns": "of those who are cut off, come back",
        "visits": "of those who come, fetch the page from an edge; the others, from elsewhere",
        "looks_again": "of those who leave when all is over, fetch the page once more",
    },
    Programme: {
        "bits_per_s": "of the programme",
        "lower_bits_per_s": "of the lower rendition that the ladder gives",
        "tls": "whether listeners come by TLS",
        "lane_ms_min": "the edges' setting: the fastest lane",
        "lane_ms_max": "the edges' setting: the slowest lane",
    },
    Fleet: {
        "machines": "how many; 0: as many as the plan finds are needed, times `share`",
        "share": "of what the plan finds",
        "regions": "machines are spread over them; people come to their own while it is there",
        "cores": "of a machine",
        "memory_gib": "of a machine",
        "network_gbit_per_s": "of a machine",
        "descriptors_per_process": "what one edge process may open",
        "guard": "whether the kernel drops whom a second ban names",
        "edges": "processes a machine; 0: one a core, more if descriptors demand it",
        "admissions_per_s_max": "the edges' setting of that name; 0: what they can",
        "join_share": "the edges' setting of that name",
        "door_network_per_s": "the edges' setting of that name",
    },
    Fault: {
        "kind": "`edges-lost`, `region-lost`, `control-dead`, `cut`, `exit` or `slow`",
        "at_s": "when",
        "for_s": "until it is mended; 0: never",
        "share": "of the edges (`edges-lost`, `slow`) or of the listeners (`cut`, `exit`)",
        "factor": "of `slow`: what all costs grow to",
    },
    Attack: {
        "family": ", ".join(f"`{family}`" for family in ACTS),
        "from_s": "when",
        "for_s": "how long, pauses included",
        "per_s": "connections a second to the whole fleet, if nobody keeps them out",
        "addresses": "from so many; ignored where each is used once",
        "waves": "in so many, each followed by a pause as long as itself",
        "behind": "of its bots, are behind carriers' addresses, where people are",
        "source": "where it is from",
    },
    Prices: {
        "currency": "of both",
        "machine_hour": "of one machine",
        "gigabyte": "that is sent",
    },
}
_TABLES: dict[type[msgspec.Struct], str] = {
    Scenario: "",
    Event: "event",
    Arrivals: "arrivals",
    Staying: "staying",
    Programme: "programme",
    Fleet: "fleet",
    Fault: "faults",
    Attack: "attacks",
    Prices: "prices",
}
_MANY: tuple[type[msgspec.Struct], ...] = (Arrivals, Fault, Attack)


def markdown() -> str:
    """Return the table of all keys."""
    lines = ["| key | default | within | meaning |", "|---|---|---|---|"]
    for kind, table in _TABLES.items():
        if table:
            lines.append(f"| **{f'[[{table}]]' if kind in _MANY else f'[{table}]'}** | | | |")
        for field in msgspec.structs.fields(kind):
            if field.name not in ABOUT[kind]:
                continue
            limits = LIMITS.get(kind, {}).get(field.name)
            within = f"{limits.least:,g} – {limits.most:,.10g}" if limits else ""
            default = "" if field.required else _shown(field.default)
            about = ABOUT[kind][field.name]
            lines.append(f"| `{field.name}` | {default} | {within} | {about} |")
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    if value is None or value in ("", ()) or value is msgspec.NODEFAULT:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,g}" if isinstance(value, int | float) else str(value)
