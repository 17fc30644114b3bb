"""What a pre-flight learns of this deployment: files, processes, ports, the kernel.

Decides nothing. Each look is short and bounded; what cannot be seen from here is None. It waits for
the network, so it runs in a worker thread.
"""

import http.client
import os
import resource
import shutil
import socket
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from cryptography import x509

from stentor.base.build import read_build
from stentor.base.machine import (
    DESCRIPTORS_RESERVED,
    descriptors_of,
    interface_bits_per_s,
    memory_free_bytes,
    read_machine,
)
from stentor.base.settings import told_settings
from stentor.base.timekeeping import read_timekeeping
from stentor.control.context import Control
from stentor.control.rehearsals import rehearsals
from stentor.rehearsal.readiness import (
    ClockFacts,
    DiskFacts,
    EdgeFacts,
    Facts,
    NetworkFacts,
    PartFacts,
    PortFacts,
    RoomFacts,
    TlsFacts,
)
from stentor.rooms.orders import Role
from stentor.rooms.record import Room

_ANSWER_S = 1.0
_PEM_BYTES_MAX = 1 << 20
_HOSTS = (Role.HOST, Role.COHOST)


class _Process(msgspec.Struct, frozen=True):
    pid: int | None = None
    restarts: int = 0


def gather(control: Control, room: str) -> Facts:
    """Return all that can be learned now."""
    settings, folder = control.settings, control.folder
    processes = _processes(folder.parts)
    kept = read_timekeeping()
    found = control.desk.find(room)
    return Facts(
        now_ms=control.desk.now_ms,
        room=None if found is None else _room(found),
        parts=_parts(control, processes),
        ports=_ports(control),
        edges=_edges(control, processes),
        network=_network(control),
        disk=_disk(control),
        clock=ClockFacts(kept.synchronised, kept.error_s, settings.clock_vouched),
        tls=_tls(control),
        build=read_build(),
        machine=read_machine(),
        settings=told_settings(settings),
        rehearsals=rehearsals(folder),
    )


def _room(room: Room) -> RoomFacts:
    seats = [seat for seat in room.seats if not seat.revoked]
    return RoomFacts(
        title=room.title,
        epoch_ms=room.epoch_ms,
        end_ms=room.end_ms,
        host_links=sum(seat.role in _HOSTS for seat in seats),
        speaker_links=sum(seat.role is Role.SPEAKER for seat in seats),
        links_end_ms=min((seat.expires_ms for seat in seats), default=None),
    )


def _processes(path: Path) -> dict[str, _Process]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, _Process])
    except (OSError, msgspec.MsgspecError):
        return {}


def _parts(control: Control, processes: dict[str, _Process]) -> tuple[PartFacts, ...]:
    settings = control.settings
    answering = {
        "control": True,
        "stage": _answers(settings.bind, settings.stage_port_used, "/healthz"),
        "origin": _answers("127.0.0.1", settings.metrics_port_used, "/metrics"),
        "watch": _answers(settings.watch_bind, settings.watch_port_used, "/healthz"),
    }
    return tuple(
        PartFacts(name, answers, processes.get(name, _Process()).restarts)
        for name, answers in answering.items()
    )


def _ports(control: Control) -> tuple[PortFacts, ...]:
    settings = control.settings
    ports = [
        PortFacts(
            "listeners",
            f"{settings.bind}:{settings.port}",
            _connects(_here(settings.bind), settings.port),
        )
    ]
    for who, address in (
        ("listeners", settings.listen_url),
        ("hosts", settings.control_url),
        ("speakers", settings.stage_url),
    ):
        if not address:
            continue
        host, port = _host_and_port(address)
        # Many routers do not lead back in: only that it answers says something.
        reached = bool(host) and _connects(host, port)
        ports.append(PortFacts(f"{who} from outside", address, True if reached else None))
    return tuple(ports)


def _edges(control: Control, processes: dict[str, _Process]) -> EdgeFacts:
    settings = control.settings
    pids = [one.pid for name, one in processes.items() if name.startswith("edge-")]
    limits = [descriptors_of(pid) for pid in pids if pid is not None]
    known = [one for one in limits if one is not None]
    if not pids:  # started by something else: as we were, most likely
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        known = [hard if hard != resource.RLIM_INFINITY else 1_000_000]
    each = min(known) - DESCRIPTORS_RESERVED if known else None
    if each is not None and settings.edge_connections_max:
        each = min(each, settings.edge_connections_max)
    return EdgeFacts(
        wanted=settings.edges,
        telling=len(control.audience.fresh(time.monotonic())),
        cores=len(os.sched_getaffinity(0)),
        connections_each=None if each is None else max(0, each),
        room_listeners_each=settings.edge_room_listeners_max,
        memory_each_bytes=settings.edge_memory_bytes_max,
        memory_free_bytes=memory_free_bytes(),
        tls=bool(settings.tls_certificate),
        lane_ms_min=settings.edge_lane_ms_min,
        lane_ms_max=settings.edge_lane_ms_max,
        join_share=settings.edge_join_share,
    )


def _network(control: Control) -> NetworkFacts:
    settings = control.settings
    known = []
    if settings.edge_megabits_max:
        known.append((settings.edge_megabits_max * 1e6 * settings.edges, "the setting"))
    bits = interface_bits_per_s(settings.bind)
    if bits is not None:
        known.append((bits, "the interface"))
    return NetworkFacts(*min(known)) if known else NetworkFacts(None)


def _disk(control: Control) -> DiskFacts:
    free: int | None
    try:
        free = shutil.disk_usage(control.folder.root).free
    except OSError:
        free = None
    try:
        ledger = sum(path.stat().st_size for path in control.folder.ledger.glob("*.jsonl"))
    except OSError:
        ledger = 0
    return DiskFacts(free, ledger, control.settings.ledger_bytes_max)


def _tls(control: Control) -> TlsFacts:
    settings = control.settings
    if settings.tls_certificate:
        try:
            pem = Path(settings.tls_certificate).read_bytes()[:_PEM_BYTES_MAX]
        except OSError:
            return TlsFacts("edges", None)
        return TlsFacts("edges", _expires_ms(pem))
    if not settings.listen_url.startswith("https://"):
        return TlsFacts("nobody", None)
    host, port = _host_and_port(settings.listen_url)
    if not host:  # which a socket would take for this machine
        return TlsFacts("front", None)
    try:
        shown = ssl.get_server_certificate((host, port), timeout=_ANSWER_S)
    except (OSError, ValueError):
        return TlsFacts("front", None)
    return TlsFacts("front", _expires_ms(shown.encode()))


def _expires_ms(pem: bytes) -> int | None:
    try:
        ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError:
        return None
    return int(ends.timestamp() * 1000)


def _here(bind: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)


def _host_and_port(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "", 0


def _connects(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_ANSWER_S):
            return True
    except OSError:
        return False


def _answers(bind: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(_here(bind), port, timeout=_ANSWER_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
