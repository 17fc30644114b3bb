"""Icecast 2 as a peer: one mount, one source that sends frames as they are made."""

import base64
import os
import resource
import socket
import subprocess
from pathlib import Path

from side_by_side.pacing import Pace
from side_by_side.processes import answers, family, free_port, program, spawn, stop, wait_until
from side_by_side.programme import FRAME_SAMPLES, SAMPLE_RATE, Timeline, adts_frame
from side_by_side.target import Target, get

_TEMPLATE = Path(__file__).parent / "icecast.xml"
_ALL = 1e9  # a peer's joiner plays all that comes
_FRAMES_AT_ONCE = 3  # 64 ms, as an encoder with a small output buffer sends


class Icecast:
    """One Icecast and its source."""

    def __init__(self, folder: Path, timeline: Timeline, cores: tuple[int, ...]) -> None:
        self.folder = folder
        self.timeline = timeline
        self._cores = cores
        self._program = program("icecast2", "icecast2")
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._source: socket.socket | None = None
        self._pace = Pace(timeline, _FRAMES_AT_ONCE * FRAME_SAMPLES / SAMPLE_RATE, self._publish)
        self.target = Target(self.port, "icecast", get("/live"), _ALL)

    @property
    def version(self) -> str:
        """Name and version."""
        told = subprocess.run([self._program, "-v"], capture_output=True, text=True, check=False)
        return told.stdout.strip()

    @property
    def pids(self) -> list[int]:
        """Icecast is one process of several threads."""
        assert self._process is not None
        return family(self._process.pid)

    def start(self) -> None:
        """Start it and connect the source; returns when listeners can come."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o777)  # Icecast refuses to be root
        (self.folder / "null.log").symlink_to("/dev/null")
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        text = _TEMPLATE.read_text()
        for word, value in {
            "FOLDER": str(self.folder),
            "PORT": str(self.port),
            "CONNECTIONS": str(descriptors - 200),
        }.items():
            text = text.replace(f"@{word}@", value)
        path = self.folder / "icecast.xml"
        path.write_text(text)
        user = "nobody" if os.getuid() == 0 else None
        command = [self._program, "-c", str(path)]
        self._process = spawn(command, self._cores, self.folder / "output.log", user)
        wait_until(lambda: answers(self.port), 10, f"Icecast's start (see {self.folder})")
        self._source = self._connect()
        self._pace.start()

    def stop(self) -> None:
        """End it."""
        self._pace.stop()
        if self._source is not None:
            self._source.close()
        stop(self._process)

    def _connect(self) -> socket.socket:
        source = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secret = base64.b64encode(b"source:bench").decode()
        source.sendall(
            f"PUT /live HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic {secret}\r\n"
            "Content-Type: audio/aac\r\nIce-Public: 0\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        answer = source.recv(4096)
        if b" 100 " not in answer and b" 200 " not in answer:
            raise OSError(f"Icecast refused the source: {answer[:80]!r}")
        return source

    def _publish(self, number: int) -> None:
        assert self._source is not None
        first = number * _FRAMES_AT_ONCE
        frames = range(first, first + _FRAMES_AT_ONCE)
        self._source.sendall(b"".join(map(adts_frame, frames)))
