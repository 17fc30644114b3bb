"""What an edge's refusals say about who was refused: which of them no player ever meets.

Counts each under its name and notes it in the second's summary. Refuses nobody itself.
"""

from stentor.base.errors import Problem
from stentor.edge.counts import Counts
from stentor.shield.policy import Why
from stentor.shield.summary import Summary

# What browsers, crawlers and system probes ask of every site: no sign of anything.
_ASKED_EVERYWHERE = ("/robots.txt", "/sitemap.xml", "/apple-touch-icon", "/.well-known/")
# Problems of requests that were read, by kind: the counter, and what it is a sign of. Who comes too
# often is noted where that is found out; who is late, slow or one of many did nothing wrong.
_SIGNS: dict[str, tuple[str, Why]] = {
    "not-found": ("unknown_paths", Why.PROBING),
    "no-such-rendition": ("unknown_paths", Why.PROBING),
    "unknown-query-key": ("unknown_queries", Why.PROBING),
    "malformed-query": ("unknown_queries", Why.PROBING),
    "not-a-number": ("unknown_queries", Why.PROBING),
    "far-future": ("far_future", Why.PROBING),
    "part-of-the-future": ("far_future", Why.PROBING),
    "ticket-forged": ("", Why.FORGED),  # counted at the door
    "ticket-malformed": ("", Why.FORGED),
    "ticket-other-room": ("", Why.FORGED),
}


def note_unreadable(summary: Summary, counts: Counts, peer: bytes) -> None:
    """Note bytes that were no request, or one that is larger than any may be."""
    counts.malformed += 1
    summary.wrong(peer, Why.MALFORMED)


def note_refused(
    summary: Summary, counts: Counts, peer: bytes, problem: Problem, path: str
) -> None:
    """Note the refusal of a request that was read."""
    sign = _SIGNS.get(problem.kind)
    if sign is None or path.startswith(_ASKED_EVERYWHERE):
        return
    counter, why = sign
    if counter:
        setattr(counts, counter, getattr(counts, counter) + 1)
    summary.wrong(peer, why)


def note_out_of_time(summary: Summary, counts: Counts, peer: bytes, *, began: bool) -> None:
    """Note who connected and said nothing (a browser's spare connection does so now and then).

    Or, if a request or handshake was `began`, not to its end.
    """
    if began:
        counts.slow_heads += 1
    else:
        counts.silent_closed += 1
    summary.wrong(peer, Why.SILENT)
