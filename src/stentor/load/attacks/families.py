"""The families of attacks by name: what each does, what it shows, and what it may use."""

from dataclasses import dataclass
from enum import StrEnum

from stentor.base.errors import UsageError
from stentor.load.attacks import bounds, conduct, forgery
from stentor.load.attacks.conduct import ByFamily


class Family(StrEnum):
    """Names as the command line takes them."""

    JOIN_FLOOD_FEW = "join-flood-few"
    JOIN_FLOOD_MANY = "join-flood-many"
    ONE_REQUEST_AN_ADDRESS = "one-request-an-address"
    SLOW_HEADERS = "slow-headers"
    SLOW_READS = "slow-reads"
    IDLE_CONNECTIONS = "idle-connections"
    CACHE_BUSTING = "cache-busting"
    RELOAD_ABUSE = "reload-abuse"
    TICKET_FORGERY = "ticket-forgery"
    MALFORMED_FLOOD = "malformed-flood"
    MIMIC = "mimic"
    STUN_DTLS_SPRAY = "stun-dtls-spray"
    SYN_FLOOD = "syn-flood"


class By(StrEnum):
    """What an attack is made of."""

    CONNECTIONS = "connections"
    DATAGRAMS = "datagrams"  # at the stage's media ports
    HALF_OPEN = "half-open"  # connections; only within an arena


@dataclass(frozen=True, slots=True)
class About:
    """One family. `shows` says what a defence must do; `counted` are the edge's own counters."""

    does: str
    shows: str
    counted: tuple[str, ...]
    sources: int
    conduct: ByFamily | None = None
    by: By = By.CONNECTIONS
    per_s: float = 200.0
    sources_max: int = bounds.SOURCES_MAX


FAMILIES: dict[Family, About] = {
    Family.JOIN_FLOOD_FEW: About(
        "Joins again and again from few addresses, and is gone at once.",
        "One network has its share, whoever else comes gets in.",
        ("refused_by_network", "line_given", "joined"),
        4,
        conduct.JoinFlood,
        sources_max=64,
    ),
    Family.JOIN_FLOOD_MANY: About(
        "The same from thousands of addresses, each below any limit.",
        "A line that is fair by network, and nobody present disturbed.",
        ("line_given", "joined"),
        5000,
        conduct.JoinFlood,
    ),
    Family.ONE_REQUEST_AN_ADDRESS: About(
        "Every join from an address that was never seen before and never comes again.",
        "Tables of networks stay bounded.",
        ("line_given", "joined", "networks_unremembered"),
        bounds.SOURCES_MAX,
        conduct.JoinFlood,
    ),
    Family.SLOW_HEADERS: About(
        "Begins requests and ends none, a letter a second (Slowloris).",
        "Unfinished requests are bounded in bytes, pieces and time.",
        ("timed_out", "unfinished_closed"),
        500,
        conduct.SlowHeaders,
    ),
    Family.SLOW_READS: About(
        "Asks for streams and pages through a tiny window and takes 16 bytes a second.",
        "Who is behind costs no memory, and is let go.",
        ("slow_closed", "stalled_closed", "jumped", "joined"),
        500,
        conduct.SlowReads,
    ),
    Family.IDLE_CONNECTIONS: About(
        "Connects, says nothing and stays.",
        "Silence is ended in time, and one network cannot hold all places.",
        ("timed_out", "refused_by_network"),
        500,
        conduct.Idle,
    ),
    Family.CACHE_BUSTING: About(
        "Asks for random paths, query strings, rooms and parts.",
        "What does not exist costs little, and uses up the asker's share.",
        ("answers_4xx", "wrongs_closed", "refused_by_network"),
        200,
        conduct.CacheBusting,
    ),
    Family.RELOAD_ABUSE: About(
        "Waits for playlists that are not made yet, or never will be.",
        "Waiting is bounded in number, time and by network; the far future is refused.",
        ("reloads", "answers_4xx", "refused_by_network"),
        200,
        conduct.ReloadAbuse,
    ),
    Family.TICKET_FORGERY: About(
        "Shows tickets that are forged, cut, used twice, stolen, of another room or too old.",
        "None of them is worth anything, and each kind is counted.",
        (
            "tickets_forged",
            "tickets_malformed",
            "tickets_expired",
            "tickets_other_room",
            "tickets_other_network",
            "tickets_replayed",
            "line_early",
        ),
        200,
        forgery.TicketForgery,
    ),
    Family.MALFORMED_FLOOD: About(
        "Noise, heads without end, TLS to a plain port, two lengths, HTTP/2.",
        "One short answer and an end, and it uses up the sender's share.",
        ("answers_4xx", "answers_5xx", "wrongs_closed", "refused_by_network"),
        200,
        conduct.Malformed,
    ),
    Family.MIMIC: About(
        "Listens as people do: joins, waits in line, takes the audio.",
        "What cannot be told from people gets what people get, and no more.",
        ("joined", "line_given", "admitted_in_turn"),
        5000,
        conduct.Mimic,
    ),
    Family.STUN_DTLS_SPRAY: About(
        "Sends STUN checks, DTLS hellos and noise to the stage's media ports.",
        "Speakers on the stage do not notice.",
        (),
        64,
        by=By.DATAGRAMS,
    ),
    Family.SYN_FLOOD: About(
        "Begins connections that it never completes, in a network namespace of its own.",
        "Whoever completes theirs gets in all the same (SYN cookies, guard).",
        (),
        20_000,
        by=By.HALF_OPEN,
        per_s=bounds.PER_S_MAX,
    ),
}


def about(name: str) -> tuple[Family, About]:
    """Return a family by its name; raises `UsageError`."""
    try:
        family = Family(name)
    except ValueError:
        raise UsageError(f"There is no family {name!r}; `--list` names them.") from None
    return family, FAMILIES[family]
