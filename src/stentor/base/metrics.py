"""Every metric of every part, declared in one place: name, kind, labels, and what it says.

Each part has a process of its own and shows its own figures only: of what another part counts, a
zero would be a lie. Hot loops count in plain integers and copy them here when a scrape comes.
"""

from collections.abc import Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_OF_EVERY_PART = ("python_", "process_")


class _Shown(Collector):
    """Those metrics of this process whose names begin with one of `beginnings`."""

    def __init__(self, beginnings: tuple[str, ...]) -> None:
        self._beginnings = beginnings

    def collect(self) -> Iterator[Metric]:
        """Return them as they are now."""
        return (one for one in REGISTRY.collect() if one.name.startswith(self._beginnings))


def shown_by(*families: str) -> CollectorRegistry:
    """Return what a part shows that counts in these families, such as `control` and `audience`."""
    registry = CollectorRegistry()
    registry.register(_Shown((*_OF_EVERY_PART, *(f"stentor_{family}_" for family in families))))
    return registry


FEED_SUBSCRIBERS = Gauge("stentor_feed_subscribers", "Subscribers of this part's feed")
FEED_CUT_OFF = Counter("stentor_feed_cut_off", "Subscribers cut off because their queue was full")

STAGE_REQUESTS_CUT_OFF = Counter(
    "stentor_stage_requests_cut_off", "Connections closed: too slow, took nothing, or too many"
)
STAGE_GUARD_UNSAID = Counter(
    "stentor_stage_guard_unsaid", "Checked addresses that no guard could be told of"
)
# Its other figures the stage keeps itself, and builds these for a scrape: (name, what it says).
STAGE_SESSIONS = ("stentor_stage_sessions", "Speakers' sessions now")
STAGE_ROOMS = ("stentor_stage_rooms", "Rooms with somebody on the stage")
STAGE_PACKETS = ("stentor_stage_packets", "Packets and frames of speakers, by what became of them")
STAGE_SAMPLES = (
    "stentor_stage_samples",
    "Samples of speakers left out (skipped) or put in (inserted) to keep their delay",
)
STAGE_TICKS = ("stentor_stage_ticks", "Ticks of the mix")
STAGE_TICKS_LATE = ("stentor_stage_ticks_late", "Ticks more than 10 ms late")
STAGE_TICKS_LEFT_OUT = (
    "stentor_stage_ticks_left_out",
    "Ticks that were too late to be made up for",
)
STAGE_TICK_BUSY = ("stentor_stage_tick_busy_seconds", "Time spent in ticks")
STAGE_TICK_SLOWEST = ("stentor_stage_tick_slowest_seconds", "The slowest tick so far")

# -- origin -----------------------------------------------------------------------------------
ORIGIN_LIVE_ROOMS = Gauge("stentor_origin_live_rooms", "Rooms on the air")
ORIGIN_PARTS = Counter("stentor_origin_parts", "Parts made, of all renditions")
ORIGIN_BACKFILLED_PARTS = Counter(
    "stentor_origin_backfilled_parts", "Parts of silence put where nothing was made in time"
)
ORIGIN_SILENCE_SECONDS = Counter(
    "stentor_origin_silence_seconds", "Programme that was silence because no frame came"
)
ORIGIN_HOLD_SECONDS = Counter("stentor_origin_hold_seconds", "Programme that was the hold tune")
ORIGIN_FRAMES_LATE = Counter(
    "stentor_origin_frames_late", "Frames of the stage that came after their time"
)
ORIGIN_FRAMES_REFUSED = Counter(
    "stentor_origin_frames_refused", "Frames of the stage that were malformed or too many"
)
ORIGIN_ENCODE_SECONDS = Counter("stentor_origin_encode_seconds", "Time spent on encoding")
ORIGIN_RECORD_SECONDS = Histogram(
    "stentor_origin_record_seconds",
    "Longest time from a part's making to its publication, of each room and second",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 1),
)
ORIGIN_UNRECORDED_PARTS = Counter(
    "stentor_origin_unrecorded_parts", "Parts published before the disk had taken them"
)
ORIGIN_SYNC_SECONDS = Histogram(
    "stentor_origin_sync_seconds",
    "Time to bring one room's recordings onto the disk, off the loop",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
ORIGIN_BEHIND_SECONDS = Gauge(
    "stentor_origin_behind_seconds", "How far the slowest programme is behind its clock"
)
ORIGIN_RECORDING_PENDING_BYTES = Gauge(
    "stentor_origin_recording_pending_bytes", "Parts in memory that the disk did not take"
)
ORIGIN_DISK_ERRORS = Counter("stentor_origin_disk_errors", "Writes of recordings that failed")
ORIGIN_LOST_PARTS = Counter(
    "stentor_origin_lost_parts", "Parts that are silence in a recording: memory ran out too"
)
ORIGIN_STATES_LEFT_OUT = Counter(
    "stentor_origin_states_left_out", "States that are not in a room's log, as it is full"
)

CONTROL_REQUESTS = Counter(
    "stentor_control_requests", "Requests that control answered", ["method", "status"]
)
CONTROL_ACTS = Counter("stentor_control_acts", "Acts on rooms, by outcome", ["act", "outcome"])
CONTROL_ROOMS = Gauge("stentor_control_rooms", "Rooms that control keeps", ["phase"])
CONTROL_ORDERS_WAITING = Gauge(
    "stentor_control_orders_waiting", "Rooms whose stored orders could not be written yet"
)
CONTROL_REQUESTS_CUT_OFF = Counter(
    "stentor_control_requests_cut_off", "Connections closed: too slow, took nothing, or too many"
)
CONTROL_PACED = Counter("stentor_control_paced", "Acts refused because they came too fast")
AUDIENCE_EDGES = Gauge("stentor_audience_edges", "Edges heard from within the last 3 s")
AUDIENCE_LISTENERS = Gauge("stentor_audience_listeners", "Listeners of all rooms, by way", ["way"])
AUDIENCE_UNREADABLE = Counter(
    "stentor_audience_unreadable", "Datagrams of edges that could not be read or kept"
)

WATCH_EDGES = Gauge("stentor_watch_edges", "Edges that tell how they fare")
WATCH_UNREADABLE = Counter(
    "stentor_watch_unreadable", "Seconds of edges that could not be read or kept"
)
WATCH_REQUESTS = Counter(
    "stentor_watch_requests", "Requests that the operator's page answered", ["method", "status"]
)
WATCH_REQUESTS_CUT_OFF = Counter(
    "stentor_watch_requests_cut_off", "Connections closed: too slow, took nothing, or too many"
)
WATCH_BANS = Gauge("stentor_watch_bans", "Networks that are banned now")
WATCH_BANS_UNHELD = Gauge(
    "stentor_watch_bans_unheld", "Networks beyond those: a policy has room for so many bans"
)
WATCH_CONDUCTS_FORGOTTEN = Counter(
    "stentor_watch_conducts_forgotten", "Networks whose conduct was forgotten: more stood out"
)
WATCH_POLICIES_UNWRITTEN = Counter(
    "stentor_watch_policies_unwritten", "Policies that could not be written for the edges"
)
WATCH_SECONDS_FAILED = Counter(
    "stentor_watch_seconds_failed", "Seconds that a mistake of ours kept out of the ledger"
)
WATCH_LEDGER_RECORDS = Counter("stentor_watch_ledger_records", "Seconds written to the ledger")
WATCH_LEDGER_LOST = Counter(
    "stentor_watch_ledger_lost", "Seconds that the ledger could not keep: noted there as a gap"
)
WATCH_LEDGER_ERRORS = Counter("stentor_watch_ledger_errors", "Times that the disk refused")
WATCH_LEDGER_BYTES = Gauge("stentor_watch_ledger_bytes", "Size of the ledger's newest file")

EDGE_LISTENERS = Gauge("stentor_edge_listeners", "Listeners on the push stream now")
EDGE_CONNECTIONS = Gauge("stentor_edge_connections", "Connections now, push listeners included")
EDGE_WAITING_RELOADS = Gauge("stentor_edge_waiting_reloads", "Playlists and parts waited for now")
EDGE_FEED_CONNECTED = Gauge("stentor_edge_feed_connected", "1 while the origin's feed is there")
EDGE_TLS_SHOWN = {
    "tls_sessions": "TLS sessions now, handshakes that go on included",
    "tls_unsent_bytes": "Ciphertext that is kept for slow clients",
    "tls_expires_timestamp_seconds": "When the certificate in use ends",
    "tls_tickets_shared": "1 if every edge can resume a session of any other",
}
EDGE_LADDER_STEP = Gauge(
    "stentor_edge_ladder_step",
    "What joiners get: 0 all, 1 no side features, 2 slower lanes, 3 lower bitrate, 4 the line",
)
EDGE_LANE_SECONDS = Gauge(
    "stentor_edge_lane_seconds", "Programme in one delivery of the fastest lane for joiners"
)
EDGE_LATE_SECONDS = Gauge(
    "stentor_edge_late_seconds", "From a part's coming to the end of its delivery, queueing too"
)
EDGE_LINE_WAITING = Gauge("stentor_edge_line_waiting", "Who stands in the machine's line")
EDGE_LINE_PER_MINUTE = Gauge(
    "stentor_edge_line_per_minute", "Places that are served a minute; 0 when there is no line"
)
# Counters of the edge's hot loop, as `stentor_edge_NAME_total`: what each says.
EDGE_COUNTED = {
    "accepted": "Connections accepted",
    "admitted_at_once": "Listeners let in while there was a line, but nobody in it",
    "admitted_in_turn": "Listeners let in with a ticket that was served",
    "advised": "Listeners advised in the stream to come again: in another lane, or elsewhere",
    "answers_4xx": "Requests refused as wrong",
    "answers_5xx": "Requests refused for now",
    "asked": "Requests to join, by push or HLS",
    "banned_closed": "Connections closed without a word: the shield keeps their network out",
    "banned_refused": "Requests put off because the shield keeps their network out for a while",
    "bytes_sent": "Bytes sent to clients",
    "deliveries": "Deliveries to listeners who keep up: one send each",
    "downloads": "Recordings begun to be read",
    "far_future": "Parts and playlists asked for that are far in the future",
    "faults": "Mistakes of the edge itself, told in its log",
    "feed_gaps": "Holes in the feed: parts that never came",
    "feed_lost": "Times that the feed went away",
    "gave_up": "Connections that had been given up when their turn to be looked at came",
    "guard_told": "Networks that the guard was told to keep out",
    "guard_untold": "Networks that the guard should have been told of, and was not there",
    "handed_over": "Listeners handed over to a successor in a deploy",
    "join_us": "Microseconds of CPU in letting in, telling and answering those who come or ask",
    "joined": "Listeners who joined the push stream",
    "jumped": "Listeners moved to the live edge because they fell behind",
    "left": "Listeners who left the push stream",
    "left_soon": "Listeners who left it within five seconds of joining",
    "line_again": "Tickets in their turn that came faster than may be let in: asked to come again",
    "line_early": "Tickets that came before their turn",
    "line_full": "Places not given: too many from one network were in line",
    "line_given": "Places in line given",
    "line_shared": "Places told to many at once: more came than could be looked at",
    "looked": "Requests for a page, before anybody joins",
    "malformed": "Requests that were none, or larger than one may be",
    "networks_unremembered": "Times that the table of hasty networks was full: let in unasked",
    "pages_put_off": "Pages asked for while more came than could be looked at: try again",
    "partial_sends": "Deliveries that a listener could not take whole",
    "parts": "Parts that came by the feed",
    "parts_twice": "Messages of the feed that were known already",
    "places_forgotten": "Networks whose earlier places were forgotten: more came than are known",
    "policies": "Policies of the shield taken up",
    "policies_refused": "Policies of the shield that could not be read, or are of another event",
    "proofs_asked": "Places in line given with a proof of work that moves them forward",
    "proofs_false": "Proofs of work that prove nothing, or not this ticket's",
    "proofs_good": "Places in line moved forward for a proof of work",
    "proxy_refused": "Connections of fronts that did not begin with a PROXY header",
    "refused_by_network": "Connections, reloads and downloads refused: their network has its share",
    "refused_connections": "Connections refused: too many, or no descriptors",
    "refused_messages": "Messages of the feed beyond a limit, or unreadable",
    "reloads": "Playlists and parts that were waited for",
    "reminders": "Tickets given to those who asked before the hour",
    "requests": "Requests read",
    "returned": "Listeners let in past the line: they had lost their connection",
    "returns_over": "Return tickets when no more were missing than had lost their connection",
    "shelf_followed": "Networks found to follow a live programme by HLS: not banned meanwhile",
    "shelf_let_in": "HLS players let in",
    "shelf_requests": "Playlists, inits, parts and segments asked for",
    "shelf_turned_away": "Playlists asked for without a pass while there was a line",
    "shelf_unfollowed": "HLS media given where too much is read to see who follows",
    "shield_us": "Microseconds of CPU in telling each second, and in taking up policies",
    "silent_closed": "Connections let go that never said anything",
    "slow_closed": "Answers and downloads cut off because they were taken too slowly",
    "slow_heads": "Connections let go in the middle of their request or handshake",
    "stalled_closed": "Listeners let go because they took nothing, or next to nothing, for long",
    "standby_given": "Tickets in their turn for which no edge had room: put on standby",
    "taken_over": "Listeners taken over from a predecessor in a deploy",
    "tickets_expired": "Tickets refused: too old",
    "tickets_forged": "Tickets refused: not signed here",
    "tickets_late": "Tickets refused: their turn was too long ago",
    "tickets_malformed": "Tickets refused: not even the shape of one",
    "tickets_other_network": "Tickets refused: given to another network",
    "tickets_other_room": "Tickets refused: of another room",
    "tickets_replayed": "Tickets refused: used before",
    "timed_out": "Connections let go because they took too long",
    "tls_begun": "TLS handshakes begun",
    "tls_crowded_out": "Clients let go before or in their TLS handshake: silent ones for"
    " others, the oldest of too many begun, and those whose turn did not come",
    "tls_failed": "Clients who came to the TLS port and did not get a session",
    "tls_handshakes": "TLS handshakes completed",
    "tls_reloads": "Certificates replaced because their files changed",
    "tls_reloads_failed": "Certificates that changed and could not be used: the old one is kept",
    "tls_resumed": "TLS handshakes completed that resumed an earlier session",
    "tls_unsent_refused": "Slow clients let go because too much ciphertext was kept already",
    "unfinished_closed": "Connections let go because too many had requests that were not whole",
    "unknown_paths": "Requests for what no page or player ever asks for",
    "unknown_queries": "Requests with a query string that no page or player makes",
    "unsent_facts": "Audience facts that nobody took",
    "unsent_seconds": "Seconds summed up for the shield that nobody took",
    "wrongs_closed": "Connections closed after wrong requests, as their network made too many",
}
