"""Every setting: its default, its bounds, its unit, and what it is for. Those of more than one
part, and of control, are in `general_settings`.

A setting is read from the environment as `STENTOR_` and its name in capitals; the command line may
override some. Parts get theirs through the environment of the process that starts them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from stentor.base.errors import ConfigurationError
from stentor.base.general_settings import GeneralSettings, setting

PREFIX = "STENTOR_"
# What tells of the machine and not of how it was set up.
_PATHS = ("data", "tls_certificate", "tls_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(GeneralSettings):
    """All settings of one deployment."""

    edge_connections_max: int = setting(
        0, "connections of one edge process; 0: what its descriptors allow", minimum=0
    )
    edge_head_s: float = setting(
        10.0, "how long a client may take to send a request", minimum=0.1, maximum=120, unit="s"
    )
    edge_idle_s: float = setting(
        30.0, "how long a connection may rest between requests", minimum=0.1, unit="s"
    )
    edge_stalled_s: float = setting(
        30.0,
        "in each such span an answer or a download must go on by edge_rate_min, or it is ended",
        minimum=1,
        unit="s",
    )
    edge_rate_min: float = setting(
        500.0,
        "who takes less than this of an answer, or of a programme that is waiting, is let go",
        minimum=1,
        maximum=100_000,
        unit="bytes/s",
    )
    edge_unfinished_bytes_max: int = setting(
        16 * 1024 * 1024,
        "requests begun and not ended, of one edge process: beyond it the oldest go",
        minimum=65_536,
        unit="bytes",
    )
    edge_memory_bytes_max: int = setting(
        1024 * 1024 * 1024,
        "resident memory of one edge process above which nobody more is let in; 0: no limit",
        minimum=0,
        unit="bytes",
    )
    edge_listener_stalled_s: float = setting(
        120.0,
        "in each such span a listener who is behind must take edge_rate_min, or is let go; long "
        "enough for a pause",
        minimum=5,
        unit="s",
    )
    edge_lag_s: float = setting(
        12.0,
        "who is further behind the newest part than this is moved to the live edge",
        minimum=1,
        maximum=30,
        unit="s",
    )
    edge_lane_ms_min: int = setting(
        320,
        "how much programme a joiner is delivered at once, at least; for a crowd that is expected",
        minimum=320,
        maximum=15_360,
        unit="ms",
    )
    edge_lane_ms_max: int = setting(
        15_360,
        "how much programme a joiner is delivered at once, at most: with edge_lane_ms_min, a fixed "
        "lane; what does not fit stands in line",
        minimum=320,
        maximum=15_360,
        unit="ms",
    )
    edge_join_share: float = setting(
        0.5,
        "share of an edge's CPU time that those who come or ask may take from those who listen",
        minimum=0.01,
        maximum=1.0,
    )
    edge_moves_per_s: float = setting(
        100.0, "listeners of one edge process that are advised to change lanes, a second", minimum=1
    )
    edge_accepts_per_turn: int = setting(
        64,
        "new connections between two looks at the feed; by TLS four times as many, for 5 ms at"
        " most",
        minimum=1,
        maximum=4096,
    )
    edge_hls_exempt: str = setting(
        "",
        "networks, with commas, of caches (a CDN, a front) that fetch HLS for many listeners: they"
        " need no place in line, and are given playlists that are the same for all",
    )
    edge_backlog: int = setting(
        4096,
        "connections that may wait in the kernel until one edge process accepts them (the kernel's"
        " net.core.somaxconn is a limit too); by TLS an eighth of it there, and half of it inside"
        " until their handshake, and while handshakes are behind a quarter of a second's"
        " worth",
        minimum=16,
        maximum=65_535,
    )
    edge_unsent_bytes: int = setting(
        16_384, "what the kernel may hold unsent for one listener", minimum=2048, unit="bytes"
    )
    edge_reload_s: float = setting(
        6.0, "how long a playlist or part may be waited for", minimum=0.5, maximum=60, unit="s"
    )
    edge_reloads_max: int = setting(
        4000, "playlists and parts waited for at once in one edge process", minimum=0
    )
    edge_downloads_max: int = setting(
        200, "recordings being downloaded at once from one edge process", minimum=0, maximum=400
    )
    edge_room_listeners_max: int = setting(
        1_000_000, "listeners of one room at one edge process", minimum=1
    )
    edge_network_connections_max: int = setting(
        0,
        "connections of one IPv4 address or IPv6 /48 at one edge process (of a /56 half, of a /64 "
        "a quarter); 0: half of its connections, as a carrier may have thousands on one address",
        minimum=0,
    )
    edge_network_joins_per_s: float = setting(
        200.0,
        "new connections a second, and as many wrong requests, of one IPv4 address or IPv6 /48 at "
        "one edge process after a burst (of a /56 half, of a /64 a quarter); where somebody "
        "listens already, more while there is time for all; 0: no limit",
        minimum=0,
    )
    edge_network_joins_burst: int = setting(
        5_000, "that burst: a carrier's or a school's people all come on the hour", minimum=1
    )
    edge_network_reloads_max: int = setting(
        0, "of edge_reloads_max, what one such network may have; 0: half", minimum=0
    )
    edge_network_downloads_max: int = setting(
        0, "of edge_downloads_max, what one such network may have; 0: a quarter", minimum=0
    )
    edge_network_exempt: str = setting(
        "127.0.0.0/8, ::1/128",
        "addresses that no limit of networks holds for, with commas: fronts, monitors, rehearsals",
    )
    edge_drain_s: float = setting(
        600.0,
        "how long an edge that handed over may take to end downloads and secure listeners",
        minimum=1,
        maximum=86_400,
        unit="s",
    )
    edge_rooms_max: int = setting(
        10_000, "rooms that an edge keeps track of", minimum=1, maximum=1_000_000
    )
    edge_handshake_s: float = setting(
        8.0,
        "how long a client may take for its TLS handshake; the wait for its turn and a front's"
        " PROXY header are included",
        minimum=0.1,
        maximum=60,
        unit="s",
    )
    edge_handshakes_max: int = setting(
        2048,
        "TLS handshakes begun at once at one edge process, 45 KB each; one more ends the oldest",
        minimum=16,
    )
    edge_tls_unsent_bytes_max: int = setting(
        134_217_728,
        "ciphertext that one edge process keeps for slow clients; who would need more is let go",
        minimum=1_048_576,
        unit="bytes",
    )
    proxy_protocol_from: str = setting(
        "", "fronts (networks, with commas) that must begin each connection with a PROXY header"
    )
    forwarded_from: str = setting(
        "", "HTTP fronts (networks, with commas) whose X-Forwarded-For is believed"
    )
    edge_admissions_per_s_max: float = setting(
        0.0,
        "listeners that one edge process lets in a second, the rest stand in line; 0: what it can",
        minimum=0,
    )
    edge_megabits_max: float = setting(
        0.0,
        "what one edge process may send: near it joiners get a lower bitrate, then a place in "
        "line; 0: not known",
        minimum=0,
        unit="Mbit/s",
    )
    door_network_per_s: float = setting(
        20.0,
        "places in line a second for one IPv4 address or IPv6 /64 (a /56 twice, a /48 four times "
        "that); who comes faster stands further back; 0: no limit",
        minimum=0,
    )
    door_network_burst: int = setting(
        50, "places in line that such a network has at once, before that", minimum=1
    )
    door_push_s_max: int = setting(
        600,
        "no place is given any further back than this for coming from one network",
        minimum=10,
        maximum=900,
        unit="s",
    )
    door_grace_s: int = setting(
        120, "how long a place is kept after its turn", minimum=10, maximum=3600, unit="s"
    )
    door_spread_s: int = setting(
        300, "reminded listeners are asked to come within this before the hour", minimum=0, unit="s"
    )
    door_polls_per_s_max: float = setting(
        1000.0, "how often all who wait may ask how the line stands, per second", minimum=1
    )
    media_addresses: str = setting(
        "", "addresses that media sockets are opened on, with commas; empty: all of the machine's"
    )
    media_public_addresses: str = setting(
        "", "addresses that speakers reach those at, where that is not the same (NAT)"
    )
    media_ports: str = setting(
        "61000-65535",
        "UDP ports of speakers' media, first and last; free of those that the kernel gives away",
    )
    speakers_max: int = setting(16, "speakers on one room's stage", minimum=1, maximum=64)
    stage_rooms_max: int = setting(64, "rooms with somebody on the stage", minimum=1, maximum=1000)
    stage_sessions_max: int = setting(
        128, "speakers of all rooms together", minimum=1, maximum=4096
    )
    grace_s: int = setting(
        30, "how long the seat of a speaker who dropped is kept", minimum=1, maximum=3600, unit="s"
    )
    guard: str = setting(
        "off",
        "whether serve runs the guard, which tells the kernel whom to drop: off, on, or auto: "
        "where it has the right to",
    )
    guard_interfaces: str = setting(
        "",
        "network interfaces, with commas, where it drops by XDP; empty, or where kernel or clang "
        "will not: by nftables, at all of them",
    )
    guard_never: str = setting(
        "",
        "networks, with commas, that it never drops; loopback, this machine's own, fronts and "
        "edge_network_exempt never are",
    )
    guard_syn_per_s: int = setting(
        0,
        "new connections a second that one IPv4 address or IPv6 /64 may begin at this machine's "
        "ports of Stentor's, in the kernel; a carrier has thousands on one; 0: no limit",
        minimum=0,
        maximum=1_000_000,
    )
    guard_udp_per_s: int = setting(
        0,
        "packets a second to media ports from one that ICE has not validated; 0: no limit",
        minimum=0,
        maximum=1_000_000,
    )
    guard_media: str = setting(
        "open",
        "whose media the kernel lets through: open, or validated, where only ICE's checks may come "
        "from elsewhere",
    )
    shield: bool = setting(
        True, "whether edges sum up who comes, tell the watch each second and obey its policy"
    )
    log_json: bool = setting(False, "logs as JSON lines")
    log_level: str = setting("info", "debug, info, warning or error")

    @property
    def media_port_range(self) -> tuple[int, int]:
        """The first and last UDP port for media; raises `ConfigurationError`."""
        first, _, last = self.media_ports.partition("-")
        try:
            ports = int(first), int(last or first)
        except ValueError:
            ports = (0, 0)
        if not 1 <= ports[0] <= ports[1] <= 65_535:
            raise ConfigurationError(
                f"media_ports must be two ports such as 61000-65535, not {self.media_ports!r}."
            )
        return ports


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


def told_settings(settings: Settings) -> dict[str, str]:
    """Return the settings that are not the default, for a record that others read: no paths."""
    told = {}
    for one in fields(Settings):
        value = getattr(settings, one.name)
        if value != one.default:
            told[one.name] = "set" if one.name in _PATHS else str(value)
    return told
