"""What a pre-flight learns of this deployment: files, processes, ports, the kernel.

Decides nothing. Each look is short and bounded; what cannot be seen from here is None. It waits for
the network, so it runs in a worker thread.
"""

import os
import shutil
import socket
import ssl
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from cryptography import x509

from stentor.base.addresses import reached_at
from stentor.base.build import read_build
from stentor.base.errors import ConfigurationError
from stentor.base.machine import (
    DESCRIPTORS_RESERVED,
    descriptors_here,
    descriptors_of,
    interface_bits_per_s,
    memory_free_bytes,
    read_machine,
)
from stentor.base.paths import DataFolder
from stentor.base.settings import PREFIX, Settings, load_settings, told_settings
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
from stentor.web.probe import answers

_ANSWER_S = 3.0  # what works answers in milliseconds, unless its machine stalls
_LEAVING = "-leaving"  # how an edge calls itself that was succeeded
_HOSTS = (Role.HOST, Role.COHOST)


class _Process(msgspec.Struct, frozen=True):
    pid: int | None = None
    restarts: int = 0


def gather(control: Control, room: str) -> Facts:
    """Return all that can be learned now."""
    folder = control.folder
    now = running_settings(control.settings, folder)
    processes = _processes(folder.parts)
    kept = read_timekeeping()
    found = control.desk.find(room)
    return Facts(
        now_ms=control.desk.now_ms,
        room=None if found is None else _room(found),
        parts=_parts(now, processes),
        ports=_ports(now),
        edges=_edges(control, now, processes),
        network=_network(now),
        disk=_disk(now, folder),
        clock=ClockFacts(kept.synchronised, kept.error_s, now.clock_vouched),
        tls=_tls(now),
        build=read_build(),
        machine=read_machine(),
        settings=told_settings(now),
        rehearsals=rehearsals(folder),
    )


def running_settings(own: Settings, folder: DataFolder) -> Settings:
    """Return the settings that the edges run with: a deploy changes theirs and not ours."""
    try:
        told = msgspec.json.decode(folder.deployed.read_bytes(), type=dict[str, str])
        now = load_settings({f"{PREFIX}{name.upper()}": text for name, text in told.items()})
    except (OSError, msgspec.MsgspecError, ConfigurationError):
        return own  # nobody has deployed
    return replace(now, data=own.data)


def _room(room: Room) -> RoomFacts:
    seats = [seat for seat in room.seats if not seat.revoked]
    return RoomFacts(
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


def _parts(now: Settings, processes: dict[str, _Process]) -> tuple[PartFacts, ...]:
    answering = {
        "control": True,
        "stage": answers(now.bind, now.stage_port_used, wait_s=_ANSWER_S),
        "origin": answers("127.0.0.1", now.metrics_port_used, "/metrics", wait_s=_ANSWER_S),
        "watch": answers(now.watch_bind, now.watch_port_used, wait_s=_ANSWER_S),
    }
    return tuple(
        PartFacts(name, answers, processes.get(name, _Process()).restarts)
        for name, answers in answering.items()
    )


def _ports(now: Settings) -> tuple[PortFacts, ...]:
    ports = [
        PortFacts(
            "listeners",
            f"{now.bind}:{now.port}",
            _connects(reached_at(now.bind), now.port),
        )
    ]
    for who, address in (
        ("listeners", now.listen_url),
        ("hosts", now.control_url),
        ("speakers", now.stage_url),
    ):
        if not address:
            continue
        host, port = _host_and_port(address)
        # Many routers do not lead back in: only that it answers says something.
        reached = bool(host) and _connects(host, port)
        ports.append(PortFacts(f"{who} from outside", address, True if reached else None))
    return tuple(ports)


def _edges(control: Control, now: Settings, processes: dict[str, _Process]) -> EdgeFacts:
    told = control.audience.fresh(time.monotonic())
    pids = [one.pid for name, one in processes.items() if name.startswith("edge-")]
    limits = [descriptors_of(pid) for pid in pids if pid is not None]
    known = [one for one in limits if one is not None]
    if not pids:  # started by something else: as we were, most likely
        known = [descriptors_here()]
    each = min(known) - DESCRIPTORS_RESERVED if known else None
    if each is not None and now.edge_connections_max:
        each = min(each, now.edge_connections_max)
    return EdgeFacts(
        wanted=now.edges,
        telling=sum(not one.edge.endswith(_LEAVING) for one in told),
        cores=len(os.sched_getaffinity(0)),
        connections_each=None if each is None else max(0, each),
        room_listeners_each=now.edge_room_listeners_max,
        memory_each_bytes=now.edge_memory_bytes_max,
        memory_free_bytes=memory_free_bytes(),
        tls=bool(now.tls_certificate),
        lane_ms_min=now.edge_lane_ms_min,
        lane_ms_max=now.edge_lane_ms_max,
        join_share=now.edge_join_share,
    )


def _network(now: Settings) -> NetworkFacts:
    known = []
    if now.edge_megabits_max:
        known.append((now.edge_megabits_max * 1e6 * now.edges, "the setting"))
    bits = interface_bits_per_s(now.bind)
    if bits is not None:
        known.append((bits, "the interface"))
    return NetworkFacts(*min(known)) if known else NetworkFacts(None)


def _disk(now: Settings, folder: DataFolder) -> DiskFacts:
    free: int | None
    try:
        free = shutil.disk_usage(folder.root).free
    except OSError:
        free = None
    try:
        ledger = sum(path.stat().st_size for path in folder.ledger.glob("*.jsonl"))
    except OSError:
        ledger = 0
    return DiskFacts(free, ledger, now.ledger_bytes_max)


def _tls(now: Settings) -> TlsFacts:
    if now.tls_certificate:
        return TlsFacts("edges", _expiry_at(reached_at(now.bind), now.port))
    if not now.listen_url.startswith("https://"):
        return TlsFacts("nobody", None)
    return TlsFacts("front", _expiry_at(*_host_and_port(now.listen_url)))


def _expiry_at(host: str, port: int) -> int | None:
    """Return when the certificate ends that is shown there; nobody's is trusted for it."""
    if not host:  # which a socket would take for this machine
        return None
    try:
        shown = ssl.get_server_certificate((host, port), timeout=_ANSWER_S)
    except (OSError, ValueError):
        return None
    return _expires_ms(shown.encode())


def _expires_ms(pem: bytes) -> int | None:
    try:
        ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError:
        return None
    return int(ends.timestamp() * 1000)


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
