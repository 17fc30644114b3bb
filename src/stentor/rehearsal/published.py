"""What others' published figures would need for the same listeners. None of it measured here.

A division, and whose figure it rests on. It says nothing of what such systems can do beyond what
their makers published, and nothing of their latency or of what they do when too many come.
"""

from math import ceil

from stentor.rehearsal.answer import Peer

# LiveKit's documentation, "Benchmarks" (docs.livekit.io): an audio room of 10 publishers and 3,000
# subscribers on a machine of 16 cores, a c2-standard-16. That page was looked up; the two figures
# are the issue's, as the copy at hand ends before its table.
LIVEKIT_LISTENERS, LIVEKIT_CORES = 3_000, 16
# Icecast's own load tests 1 and 3 (icecast.org/loadtest, 2005): some 14,000 listeners of 48 kbit/s
# on one machine, as many as the load could be. Nodes are said to hold 10,000 to 15,000 (the issue's
# figure). How many cores they had could not be read, so none are counted.
ICECAST_LISTENERS = (10_000, 15_000)


def peers(listeners: int) -> tuple[Peer, ...]:
    """Return what so many listeners at once would need, by division of the published figures."""
    return (
        _peer(
            "LiveKit, 3,000 a machine",
            listeners,
            LIVEKIT_LISTENERS,
            LIVEKIT_CORES,
            "LiveKit's documentation, Benchmarks: 3,000 audio subscribers on 16 cores; a"
            " conversation's latency, which no listener here has",
        ),
        *(
            _peer(
                f"Icecast, {each:,} a node",
                listeners,
                each,
                None,
                "Icecast's load tests of 2005 (some 14,000 listeners of 48 kbit/s on one machine)"
                " and what is said of nodes since; cores not stated",
            )
            for each in reversed(ICECAST_LISTENERS)
        ),
    )


def _peer(name: str, listeners: int, each: int, cores: int | None, source: str) -> Peer:
    machines = ceil(listeners / each)
    arithmetic = f"{listeners:,} / {each:,} = {machines:,}"
    if cores is None:
        return Peer(name, machines, None, arithmetic, source)
    arithmetic += f", × {cores} = {machines * cores:,} cores"
    return Peer(name, machines, machines * cores, arithmetic, source)
