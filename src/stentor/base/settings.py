"""Every setting: its default, its bounds, its unit, and what it is for. The reference is this file.

A setting is read from the environment as `STENTOR_` and its name in capitals; the command line may
override some. Parts get theirs through the environment of the process that starts them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from stentor.base.errors import ConfigurationError

PREFIX = "STENTOR_"


def _setting(
    default: Any,
    about: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
) -> Any:
    metadata = {"about": about, "minimum": minimum, "maximum": maximum, "unit": unit}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one deployment."""

    data: str = _setting("stentor-data", "the data folder")
    bind: str = _setting("127.0.0.1", "address that listeners, hosts and speakers connect to")
    port: int = _setting(8000, "the edges' port: listeners", minimum=1, maximum=65535)
    control_port: int = _setting(
        8001, "control's port: hosts and operators", minimum=1, maximum=65535
    )
    stage_port: int = _setting(
        0, "the stage's HTTP port: speakers; 0 is control's plus one", minimum=0, maximum=65535
    )
    metrics_port: int = _setting(
        0,
        "first loopback port of /metrics of parts without a page; 0 is control's plus ten",
        minimum=0,
        maximum=65535,
    )
    watch_port: int = _setting(
        0, "the operator's page; 0 is control's port plus two", minimum=0, maximum=65535
    )
    watch_bind: str = _setting("127.0.0.1", "address that the operator's page is served at")
    ledger_file_bytes_max: int = _setting(
        64 * 1024 * 1024,
        "size at which another file of the ledger is begun",
        minimum=64 * 1024,
        unit="bytes",
    )
    ledger_bytes_max: int = _setting(
        16 * 1024 * 1024 * 1024,
        "size of the ledger's files together; beyond it the oldest is let go, and that is noted",
        minimum=1024 * 1024,
        unit="bytes",
    )
    listen_url: str = _setting("", "how listeners reach the edges, if not http(s)://BIND:PORT")
    control_url: str = _setting("", "how hosts reach control, if not http://BIND:CONTROL_PORT")
    stage_url: str = _setting("", "how speakers reach the stage, if not http://BIND:STAGE_PORT")
    edges: int = _setting(2, "edge processes", minimum=1, maximum=256)
    doors_open_s: int = _setting(
        3600, "how long before the hour listeners may wait on the stream", minimum=0, unit="s"
    )
    hold_back_ms: int = _setting(
        100,
        "how long the origin waits for a frame of the stage before it goes on with silence",
        minimum=20,
        maximum=2000,
        unit="ms",
    )
    live_rooms_max: int = _setting(
        16, "rooms on the air at once; more have to wait", minimum=1, maximum=40
    )
    room_duration_max_s: int = _setting(
        86_400, "a room ends by itself after this", minimum=60, maximum=604_800, unit="s"
    )
    backfill_max_s: int = _setting(
        21_600,
        "a longer hole in a programme is not filled with silence: the room is given up",
        minimum=60,
        maximum=604_800,
        unit="s",
    )
    recording_pending_bytes_max: int = _setting(
        64 * 1024 * 1024,
        "what the origin keeps in memory of all recordings while the disk takes nothing",
        minimum=1024 * 1024,
        unit="bytes",
    )
    state_log_bytes_max: int = _setting(
        64 * 1024 * 1024,
        "a room's states.jsonl; who speaks is left out from three quarters of it on",
        minimum=64 * 1024,
        unit="bytes",
    )
    rooms_max: int = _setting(1_000, "rooms that control keeps", minimum=1, maximum=100_000)
    link_valid_s: int = _setting(
        604_800, "how long after the hour a link is valid", minimum=3_600, unit="s"
    )
    hold_upload_bytes_max: int = _setting(
        50 * 1024 * 1024, "size of a hold tune as it is sent", minimum=1024, unit="bytes"
    )
    hold_duration_max_s: int = _setting(
        600, "length of a hold tune", minimum=1, maximum=3_600, unit="s"
    )
    control_connections_max: int = _setting(
        512, "connections to control at once", minimum=8, maximum=100_000
    )
    control_request_s: float = _setting(
        15.0,
        "how long a client of control may take to send a request (a hold tune: ten times that), "
        "or take nothing of an answer",
        minimum=0.5,
        maximum=600,
        unit="s",
    )
    control_acts_per_s: float = _setting(
        10.0, "changes that the holder of one link may ask for, per second", minimum=0.1
    )
    edge_connections_max: int = _setting(
        0, "connections of one edge process; 0: what its descriptors allow", minimum=0
    )
    edge_head_s: float = _setting(
        10.0, "how long a client may take to send a request", minimum=0.1, maximum=120, unit="s"
    )
    edge_idle_s: float = _setting(
        30.0, "how long a connection may rest between requests", minimum=0.1, unit="s"
    )
    edge_stalled_s: float = _setting(
        30.0,
        "in each such span an answer or a download must go on by edge_rate_min, or it is ended",
        minimum=1,
        unit="s",
    )
    edge_rate_min: float = _setting(
        500.0,
        "who takes less than this of an answer, or of a programme that is waiting, is let go",
        minimum=1,
        maximum=100_000,
        unit="bytes/s",
    )
    edge_unfinished_bytes_max: int = _setting(
        16 * 1024 * 1024,
        "requests begun and not ended, of one edge process: beyond it the oldest go",
        minimum=65_536,
        unit="bytes",
    )
    edge_memory_bytes_max: int = _setting(
        1024 * 1024 * 1024,
        "resident memory of one edge process above which nobody more is let in; 0: no limit",
        minimum=0,
        unit="bytes",
    )
    edge_listener_stalled_s: float = _setting(
        120.0,
        "in each such span a listener who is behind must take edge_rate_min, or is let go; long "
        "enough for a pause",
        minimum=5,
        unit="s",
    )
    edge_lag_s: float = _setting(
        12.0,
        "who is further behind the newest part than this is moved to the live edge",
        minimum=1,
        maximum=30,
        unit="s",
    )
    edge_lane_ms_min: int = _setting(
        320,
        "how much programme a joiner is delivered at once, at least; for a crowd that is expected",
        minimum=320,
        maximum=15_360,
        unit="ms",
    )
    edge_lane_ms_max: int = _setting(
        15_360,
        "how much programme a joiner is delivered at once, at most: with edge_lane_ms_min, a fixed "
        "lane; what does not fit stands in line",
        minimum=320,
        maximum=15_360,
        unit="ms",
    )
    edge_join_share: float = _setting(
        0.5,
        "share of an edge's CPU time that those who come or ask may take from those who listen",
        minimum=0.05,
        maximum=1.0,
    )
    edge_moves_per_s: float = _setting(
        100.0, "listeners of one edge process that are advised to change lanes, a second", minimum=1
    )
    edge_accepts_per_turn: int = _setting(
        64, "new connections between two looks at the feed", minimum=1, maximum=4096
    )
    edge_unsent_bytes: int = _setting(
        16_384, "what the kernel may hold unsent for one listener", minimum=2048, unit="bytes"
    )
    edge_reload_s: float = _setting(
        6.0, "how long a playlist or part may be waited for", minimum=0.5, maximum=60, unit="s"
    )
    edge_reloads_max: int = _setting(
        4000, "playlists and parts waited for at once in one edge process", minimum=0
    )
    edge_downloads_max: int = _setting(
        200, "recordings being downloaded at once from one edge process", minimum=0, maximum=400
    )
    edge_room_listeners_max: int = _setting(
        1_000_000, "listeners of one room at one edge process", minimum=1
    )
    edge_network_connections_max: int = _setting(
        0,
        "connections of one IPv4 address or IPv6 /48 at one edge process (of a /56 half, of a /64 "
        "a quarter); 0: half of its connections, as a carrier may have thousands on one address",
        minimum=0,
    )
    edge_network_joins_per_s: float = _setting(
        200.0,
        "new connections, and wrong requests, a second of one IPv4 address or IPv6 /48 at one edge "
        "process after a burst (of a /56 half, of a /64 a quarter); 0: no limit",
        minimum=0,
    )
    edge_network_joins_burst: int = _setting(
        5_000, "that burst: a carrier's or a school's people all come on the hour", minimum=1
    )
    edge_network_reloads_max: int = _setting(
        0, "of edge_reloads_max, what one such network may have; 0: half", minimum=0
    )
    edge_network_downloads_max: int = _setting(
        0, "of edge_downloads_max, what one such network may have; 0: a quarter", minimum=0
    )
    edge_network_exempt: str = _setting(
        "127.0.0.0/8, ::1/128",
        "addresses that no limit of networks holds for, with commas: fronts, monitors, rehearsals",
    )
    edge_drain_s: float = _setting(
        600.0,
        "how long an edge that handed over may take to end downloads and secure listeners",
        minimum=1,
        maximum=86_400,
        unit="s",
    )
    edge_rooms_max: int = _setting(
        10_000, "rooms that an edge keeps track of", minimum=1, maximum=1_000_000
    )
    tls_certificate: str = _setting(
        "", "PEM file of the certificate and its chain: the listeners' port speaks TLS"
    )
    tls_key: str = _setting("", "PEM file of that certificate's key, without a password")
    edge_handshake_s: float = _setting(
        8.0,
        "how long a client may take for its TLS handshake, a front for its PROXY header included",
        minimum=0.1,
        maximum=60,
        unit="s",
    )
    edge_handshakes_max: int = _setting(
        2048,
        "TLS handshakes begun at once at one edge process, 45 KB each; one more ends the oldest",
        minimum=16,
    )
    edge_tls_unsent_bytes_max: int = _setting(
        134_217_728,
        "ciphertext that one edge process keeps for slow clients; who would need more is let go",
        minimum=1_048_576,
        unit="bytes",
    )
    proxy_protocol_from: str = _setting(
        "", "fronts (networks, with commas) that must begin each connection with a PROXY header"
    )
    forwarded_from: str = _setting(
        "", "HTTP fronts (networks, with commas) whose X-Forwarded-For is believed"
    )
    edge_admissions_per_s_max: float = _setting(
        0.0,
        "listeners that one edge process lets in a second, the rest stand in line; 0: what it can",
        minimum=0,
    )
    edge_megabits_max: float = _setting(
        0.0,
        "what one edge process may send: near it joiners get a lower bitrate, then a place in "
        "line; 0: not known",
        minimum=0,
        unit="Mbit/s",
    )
    door_network_per_s: float = _setting(
        20.0,
        "places in line a second for one IPv4 address or IPv6 /64 (a /56 twice, a /48 four times "
        "that); who comes faster stands further back; 0: no limit",
        minimum=0,
    )
    door_network_burst: int = _setting(
        50, "places in line that such a network has at once, before that", minimum=1
    )
    door_push_s_max: int = _setting(
        600,
        "no place is given any further back than this for coming from one network",
        minimum=10,
        maximum=900,
        unit="s",
    )
    door_grace_s: int = _setting(
        120, "how long a place is kept after its turn", minimum=10, maximum=3600, unit="s"
    )
    door_spread_s: int = _setting(
        300, "reminded listeners are asked to come within this before the hour", minimum=0, unit="s"
    )
    door_polls_per_s_max: float = _setting(
        1000.0, "how often all who wait may ask how the line stands, per second", minimum=1
    )
    media_addresses: str = _setting(
        "", "addresses that media sockets are opened on, with commas; empty: all of the machine's"
    )
    media_public_addresses: str = _setting(
        "", "addresses that speakers reach those at, where that is not the same (NAT)"
    )
    media_ports: str = _setting(
        "61000-65535",
        "UDP ports of speakers' media, first and last; free of those that the kernel gives away",
    )
    speakers_max: int = _setting(16, "speakers on one room's stage", minimum=1, maximum=64)
    stage_rooms_max: int = _setting(64, "rooms with somebody on the stage", minimum=1, maximum=1000)
    stage_sessions_max: int = _setting(
        128, "speakers of all rooms together", minimum=1, maximum=4096
    )
    grace_s: int = _setting(
        30, "how long the seat of a speaker who dropped is kept", minimum=1, maximum=3600, unit="s"
    )
    guard: str = _setting(
        "off",
        "whether serve runs the guard, which tells the kernel whom to drop: off, on, or auto, where "
        "it has the right to",
    )
    guard_interfaces: str = _setting(
        "",
        "network interfaces, with commas, where it drops by XDP; empty, or where the kernel or clang "
        "will not: by nftables, at all of them",
    )
    guard_never: str = _setting(
        "",
        "networks, with commas, that it never drops; loopback, this machine's own, fronts and "
        "edge_network_exempt never are",
    )
    guard_syn_per_s: int = _setting(
        0,
        "new connections a second that one IPv4 address or IPv6 /64 may begin at this machine's "
        "ports of Stentor's, in the kernel; a carrier has thousands on one; 0: no limit",
        minimum=0,
        maximum=1_000_000,
    )
    guard_udp_per_s: int = _setting(
        0,
        "packets a second to media ports from one that ICE has not validated; 0: no limit",
        minimum=0,
        maximum=1_000_000,
    )
    guard_media: str = _setting(
        "open",
        "whose media the kernel lets through: open, or validated, where only ICE's checks may come "
        "from elsewhere",
    )
    log_json: bool = _setting(False, "logs as JSON lines")
    log_level: str = _setting("info", "debug, info, warning or error")

    @property
    def stage_port_used(self) -> int:
        """The stage's HTTP port."""
        return self.stage_port or self.control_port + 1

    @property
    def watch_port_used(self) -> int:
        """The port of the operator's page."""
        return self.watch_port or self.control_port + 2

    @property
    def watch_base(self) -> str:
        """The address of the operator's page, without a slash at the end."""
        return f"http://{_host(self.watch_bind)}:{self.watch_port_used}"

    @property
    def metrics_port_used(self) -> int:
        """The first port for metrics."""
        return self.metrics_port or self.control_port + 10

    @property
    def scheme(self) -> str:
        """What the edges' own port speaks."""
        return "https" if self.tls_certificate else "http"

    @property
    def listen_base(self) -> str:
        """The address of the listeners' site, without a slash at the end."""
        return self.listen_url.rstrip("/") or f"{self.scheme}://{_host(self.bind)}:{self.port}"

    @property
    def control_base(self) -> str:
        """The address of control, without a slash at the end."""
        return self.control_url.rstrip("/") or f"http://{_host(self.bind)}:{self.control_port}"

    @property
    def stage_base(self) -> str:
        """The address of the stage, without a slash at the end."""
        return self.stage_url.rstrip("/") or f"http://{_host(self.bind)}:{self.stage_port_used}"


def _host(bind: str) -> str:
    """Return what a person on this machine would type for a bound address."""
    if bind in ("0.0.0.0", "::", "127.0.0.1"):
        return "localhost"
    return f"[{bind}]" if ":" in bind else bind


def _parse(name: str, kind: type, text: str) -> Any:
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
                text.strip().lower()
            ]
        return kind(text)
    except (ValueError, KeyError):
        raise ConfigurationError(
            f"{PREFIX}{name.upper()} must be a {kind.__name__}, not {text!r}."
        ) from None


def load_settings(environment: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Return the settings; raises `ConfigurationError`, naming the setting that is wrong.

    `overrides` that are None are ignored, so a command line's options can be passed as they are.
    """
    values: dict[str, Any] = {}
    for one in fields(Settings):
        kind = type(one.default)
        text = environment.get(PREFIX + one.name.upper())
        if text is not None:
            values[one.name] = _parse(one.name, kind, text)
        if overrides.get(one.name) is not None:
            values[one.name] = overrides[one.name]
        value = values.get(one.name, one.default)
        low, high = one.metadata["minimum"], one.metadata["maximum"]
        if (low is not None and value < low) or (high is not None and value > high):
            raise ConfigurationError(f"{one.name} must be between {low} and {high}, not {value}.")
    known = {PREFIX + one.name.upper() for one in fields(Settings)}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise ConfigurationError(f"No such setting: {', '.join(unknown)}.")
    return Settings(**values)


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the settings as environment variables, for a process that is to have the same."""
    return {PREFIX + one.name.upper(): str(getattr(settings, one.name)) for one in fields(Settings)}
