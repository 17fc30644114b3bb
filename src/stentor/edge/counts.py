"""What an edge counts while it works: plain integers, copied into metrics when somebody asks."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Totals since the process started; `base.metrics.EDGE_COUNTED` says what each is."""

    accepted: int = 0
    admitted_at_once: int = 0
    admitted_in_turn: int = 0
    advised: int = 0
    answers_4xx: int = 0
    answers_5xx: int = 0
    asked: int = 0
    banned_closed: int = 0
    banned_refused: int = 0
    bytes_sent: int = 0
    deliveries: int = 0
    downloads: int = 0
    far_future: int = 0
    faults: int = 0
    feed_gaps: int = 0
    feed_lost: int = 0
    guard_told: int = 0
    guard_untold: int = 0
    handed_over: int = 0
    joined: int = 0
    jumped: int = 0
    left: int = 0
    left_soon: int = 0
    line_again: int = 0
    line_early: int = 0
    line_full: int = 0
    line_given: int = 0
    line_shared: int = 0
    looked: int = 0
    malformed: int = 0
    networks_unremembered: int = 0
    pages_put_off: int = 0
    partial_sends: int = 0
    parts: int = 0
    parts_twice: int = 0
    policies: int = 0
    policies_refused: int = 0
    proofs_asked: int = 0
    proofs_false: int = 0
    proofs_good: int = 0
    proxy_refused: int = 0
    refused_by_network: int = 0
    refused_connections: int = 0
    refused_messages: int = 0
    reloads: int = 0
    reminders: int = 0
    requests: int = 0
    returned: int = 0
    returns_over: int = 0
    shield_us: int = 0
    silent_closed: int = 0
    slow_closed: int = 0
    slow_heads: int = 0
    stalled_closed: int = 0
    taken_over: int = 0
    tickets_expired: int = 0
    tickets_forged: int = 0
    tickets_late: int = 0
    tickets_malformed: int = 0
    tickets_other_network: int = 0
    tickets_other_room: int = 0
    tickets_replayed: int = 0
    timed_out: int = 0
    tls_begun: int = 0
    tls_crowded_out: int = 0
    tls_failed: int = 0
    tls_handshakes: int = 0
    tls_reloads: int = 0
    tls_reloads_failed: int = 0
    tls_resumed: int = 0
    tls_unsent_refused: int = 0
    unfinished_closed: int = 0
    unknown_paths: int = 0
    unknown_queries: int = 0
    unsent_facts: int = 0
    unsent_seconds: int = 0
    wrongs_closed: int = 0
