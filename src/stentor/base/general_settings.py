"""Settings of the whole deployment, of rooms and of control, and how a setting is declared.

The rest, and how they are read, is in `base.settings`, which is what others import.
"""

from dataclasses import dataclass, field
from typing import Any

from stentor.base.addresses import in_url


def setting(
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
class GeneralSettings:
    """What concerns more than one part, or control alone."""

    data: str = setting("stentor-data", "the data folder")
    bind: str = setting("127.0.0.1", "address that listeners, hosts and speakers connect to")
    port: int = setting(8000, "the edges' port: listeners", minimum=1, maximum=65535)
    control_port: int = setting(
        8001, "control's port: hosts and operators", minimum=1, maximum=65535
    )
    stage_port: int = setting(
        0, "the stage's HTTP port: speakers; 0 is control's plus one", minimum=0, maximum=65535
    )
    metrics_port: int = setting(
        0,
        "first loopback port of /metrics of parts without a page; 0 is control's plus ten",
        minimum=0,
        maximum=65535,
    )
    watch_port: int = setting(
        0, "the operator's page; 0 is control's port plus two", minimum=0, maximum=65535
    )
    watch_bind: str = setting("127.0.0.1", "address that the operator's page is served at")
    ledger_file_bytes_max: int = setting(
        64 * 1024 * 1024,
        "size at which another file of the ledger is begun",
        minimum=64 * 1024,
        unit="bytes",
    )
    ledger_bytes_max: int = setting(
        16 * 1024 * 1024 * 1024,
        "size of the ledger's files together; beyond it the oldest is let go, and that is noted",
        minimum=1024 * 1024,
        unit="bytes",
    )
    listen_url: str = setting("", "how listeners reach the edges, if not http(s)://BIND:PORT")
    control_url: str = setting("", "how hosts reach control, if not http://BIND:CONTROL_PORT")
    stage_url: str = setting("", "how speakers reach the stage, if not http://BIND:STAGE_PORT")
    edges: int = setting(2, "edge processes", minimum=1, maximum=256)
    doors_open_s: int = setting(
        3600, "how long before the hour listeners may wait on the stream", minimum=0, unit="s"
    )
    hold_back_ms: int = setting(
        100,
        "how long the origin waits for a frame of the stage before it goes on with silence",
        minimum=20,
        maximum=2000,
        unit="ms",
    )
    live_rooms_max: int = setting(
        16, "rooms on the air at once; more have to wait", minimum=1, maximum=40
    )
    room_duration_max_s: int = setting(
        86_400, "a room ends by itself after this", minimum=60, maximum=604_800, unit="s"
    )
    backfill_max_s: int = setting(
        21_600,
        "a longer hole in a programme is not filled with silence: the room is given up",
        minimum=60,
        maximum=604_800,
        unit="s",
    )
    recording_pending_bytes_max: int = setting(
        64 * 1024 * 1024,
        "what the origin keeps in memory of all recordings while the disk takes nothing",
        minimum=1024 * 1024,
        unit="bytes",
    )
    state_log_bytes_max: int = setting(
        64 * 1024 * 1024,
        "a room's states.jsonl; who speaks is left out from three quarters of it on",
        minimum=64 * 1024,
        unit="bytes",
    )
    rooms_max: int = setting(1_000, "rooms that control keeps", minimum=1, maximum=100_000)
    link_valid_s: int = setting(
        604_800, "how long after the hour a link is valid", minimum=3_600, unit="s"
    )
    hold_upload_bytes_max: int = setting(
        50 * 1024 * 1024, "size of a hold tune as it is sent", minimum=1024, unit="bytes"
    )
    hold_duration_max_s: int = setting(
        600, "length of a hold tune", minimum=1, maximum=3_600, unit="s"
    )
    control_connections_max: int = setting(
        512, "connections to control at once", minimum=8, maximum=100_000
    )
    control_request_s: float = setting(
        15.0,
        "how long a client of control may take to send a request (a hold tune: ten times that), "
        "or take nothing of an answer",
        minimum=0.5,
        maximum=600,
        unit="s",
    )
    control_acts_per_s: float = setting(
        10.0, "changes that the holder of one link may ask for, per second", minimum=0.1
    )
    event_lasts_s: int = setting(
        7_200,
        "how long an event lasts, for what a pre-flight reckons with",
        minimum=60,
        maximum=604_800,
        unit="s",
    )
    clock_vouched: bool = setting(
        False, "the clock is kept right by something that the kernel does not tell of"
    )
    tls_certificate: str = setting(
        "", "PEM file of the certificate and its chain: the listeners' port speaks TLS"
    )
    tls_key: str = setting("", "PEM file of that certificate's key, without a password")

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
    return in_url(bind)
