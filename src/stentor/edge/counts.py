"""What an edge counts while it works: plain integers, copied into metrics when somebody asks."""


class Counts:
    """Totals since the process started."""

    __slots__ = (
        "accepted",
        "answers_4xx",
        "answers_5xx",
        "bytes_sent",
        "deliveries",
        "downloads",
        "feed_gaps",
        "feed_lost",
        "joined",
        "jumped",
        "left",
        "partial_sends",
        "parts",
        "parts_twice",
        "refused_connections",
        "refused_messages",
        "reloads",
        "requests",
        "stalled_closed",
        "timed_out",
        "unsent_facts",
    )

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)

    accepted: int
    answers_4xx: int
    answers_5xx: int
    bytes_sent: int
    deliveries: int
    downloads: int
    feed_gaps: int
    feed_lost: int
    joined: int
    jumped: int
    left: int
    partial_sends: int
    parts: int
    parts_twice: int
    refused_connections: int
    refused_messages: int
    reloads: int
    requests: int
    stalled_closed: int
    timed_out: int
    unsent_facts: int
