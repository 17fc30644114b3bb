"""nginx as the two peers that it can be: files of HLS, and Nchan's raw stream."""

import http.client
import os
import resource
import subprocess
from pathlib import Path

from side_by_side.pacing import Pace
from side_by_side.processes import (
    Missing,
    answers,
    family,
    free_port,
    program,
    spawn,
    stop,
    wait_until,
)
from side_by_side.programme import (
    CHUNK_S,
    SEGMENT_S,
    SEGMENTS_LISTED,
    Timeline,
    chunk,
    hls_init,
    hls_playlist,
    hls_segment,
)
from side_by_side.target import Target, get

_HERE = Path(__file__).parent
_ALL = 1e9  # a peer's joiner plays all that comes
_MODULES = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"))
CERTIFICATE = "certificate.pem"
KEY = "key.pem"


def make_certificate(folder: Path) -> None:
    """A P-256 certificate for localhost, the same for every server of a run."""
    asked = "req -x509 -newkey ec -nodes -days 2 -pkeyopt ec_paramgen_curve:prime256v1"
    named = "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
    files = ["-out", str(folder / CERTIFICATE), "-keyout", str(folder / KEY)]
    openssl = program("openssl", "openssl")
    command = [openssl, *asked.split(), *named.split(), *files]
    subprocess.run(command, check=True, capture_output=True)


class Nginx:
    """One nginx with one configuration; subclasses say which, and publish."""

    configuration = ""

    def __init__(self, folder: Path, timeline: Timeline, cores: tuple[int, ...]) -> None:
        self.folder = folder
        self.timeline = timeline
        self._cores = cores
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._program = program("nginx", "nginx")
        self._words: dict[str, str] = {}

    @property
    def version(self) -> str:
        """Name and version."""
        told = subprocess.run([self._program, "-v"], capture_output=True, text=True, check=False)
        return told.stderr.strip().removeprefix("nginx version: ")

    @property
    def pids(self) -> list[int]:
        """The master's and the workers'."""
        assert self._process is not None
        return family(self._process.pid)

    def start(self) -> None:
        """Start it; returns when it answers."""
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.folder.mkdir(parents=True, exist_ok=True)
        words = {
            "FOLDER": str(self.folder),
            "PORT": str(self.port),
            "WORKERS": str(len(self._cores)),
            "DESCRIPTORS": str(descriptors),
            "CONNECTIONS": str(descriptors - 200),
            "USER": "user root;" if os.getuid() == 0 else "",
            **self._words,
        }
        text = (_HERE / self.configuration).read_text()
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        path = self.folder / "nginx.conf"
        path.write_text(text)
        command = [self._program, "-p", str(self.folder), "-c", str(path)]
        self._process = spawn(command, self._cores, self.folder / "output.log")
        wait_until(lambda: answers(self.port), 10, f"nginx's start (see {self.folder}/error.log)")

    def stop(self) -> None:
        """End it."""
        stop(self._process)


class NginxHls(Nginx):
    """Four-second segments and a playlist, as files."""

    configuration = "nginx-hls.conf"

    def __init__(
        self,
        folder: Path,
        timeline: Timeline,
        cores: tuple[int, ...],
        certificates: Path | None = None,
    ) -> None:
        super().__init__(folder, timeline, cores)
        self._files = folder / "www" / "hls"
        self._pace = Pace(timeline, SEGMENT_S, self._publish)
        self._words = {"LISTEN": "", "TLS": ""}
        if certificates is not None:
            self._words = {
                "LISTEN": "ssl",
                "TLS": f"ssl_certificate {certificates / CERTIFICATE};"
                f" ssl_certificate_key {certificates / KEY}; ssl_protocols TLSv1.3;"
                " ssl_session_tickets on; ssl_buffer_size 16k;",
            }
        self.target = Target(
            self.port, "hls", get("/hls/live.m3u8"), _ALL, tls=certificates is not None
        )

    def start(self) -> None:
        """Write what is there already, then start."""
        self._files.mkdir(parents=True, exist_ok=True)
        (self._files / "init.mp4").write_bytes(hls_init())
        self._pace.start()
        super().start()

    def stop(self) -> None:
        """End it."""
        self._pace.stop()
        super().stop()

    def _publish(self, number: int) -> None:
        self._write(f"{number}.m4s", hls_segment(number))
        self._write("live.m3u8", hls_playlist(number))
        (self._files / f"{number - 2 * SEGMENTS_LISTED}.m4s").unlink(missing_ok=True)

    def _write(self, name: str, data: bytes) -> None:
        path = self._files / f"{name}.new"
        path.write_bytes(data)
        path.rename(self._files / name)


class NginxNchan(Nginx):
    """The same chunks as this edge's, published by POST to one channel."""

    configuration = "nginx-nchan.conf"

    def __init__(self, folder: Path, timeline: Timeline, cores: tuple[int, ...]) -> None:
        super().__init__(folder, timeline, cores)
        place = next((one for one in _MODULES if (one / "ngx_nchan_module.so").exists()), None)
        if place is None:
            raise Missing("needs Nchan (Debian: libnginx-mod-nchan; scripts/setup-bench)")
        self._words = {"MODULES": str(place)}
        self._pace = Pace(timeline, CHUNK_S, self._publish)
        self._link: http.client.HTTPConnection | None = None
        self.target = Target(self.port, "mp4", get("/sub"), _ALL)

    def start(self) -> None:
        """Start, then publish."""
        super().start()
        self._link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        self._pace.start()

    def stop(self) -> None:
        """End it."""
        self._pace.stop()
        super().stop()

    def _publish(self, number: int) -> None:
        assert self._link is not None
        self._link.request("POST", "/pub", chunk(number), {"Content-Type": "audio/mp4"})
        answer = self._link.getresponse()
        answer.read()
        if answer.status not in (201, 202):
            raise OSError(f"Nchan answered a POST with {answer.status}")
