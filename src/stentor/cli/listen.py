"""`stentor listen`: listens as a player would, and says how that went."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stentor.cli.options import Json, Seconds

if TYPE_CHECKING:
    from stentor.codecs.decode import Pcm
    from stentor.listen.heard import Findings, Heard
    from stentor.rooms.state import RoomState

_LINE_EVERY_S = 0.25


def listen(
    url: Annotated[
        str, typer.Argument(help="A room's page, its live.mp4, or an HLS playlist.", metavar="URL")
    ],
    seconds: Seconds = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Keep what was heard: an MP4 file.", metavar="FILE")
    ] = None,
    rendition: Annotated[
        str | None, typer.Option("--rendition", help="opus24, aac48 or aac96 [aac48].")
    ] = None,
    hls: Annotated[bool, typer.Option("--hls", help="By HLS, instead of the push stream.")] = False,
    json: Json = False,
) -> None:
    """Listen; check that parts follow each other and decode; print delays and gaps."""
    import msgspec

    from stentor.base.clock import SystemClock
    from stentor.base.errors import UnavailableError
    from stentor.listen.run import Wish, run_listen

    shown = _Shown(quiet=json)
    findings = run_listen(
        Wish(url, rendition, seconds, hls, out),
        SystemClock(),
        on_pcm=shown.pcm,
        on_state=shown.state,
        on_start=shown.start,
    )
    shown.clear()
    if json:
        typer.echo(msgspec.json.encode(findings).decode())
    elif findings.parts:
        _print_summary(findings, out)
    if findings.parts == 0:
        raise UnavailableError(f"Nothing was heard: {_why_nothing(findings)}.")


def _why_nothing(findings: "Findings") -> str:
    if not findings.connections:
        return "nobody answered"
    return f"the room is {findings.phase}" if findings.phase else "no audio came"


class _Shown:
    """What is shown while listening: states as lines, and on a terminal a line that moves."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._moving = not quiet and sys.stderr.isatty()
        self._heard: Heard | None = None
        self._told = ""
        self._last = 0.0

    def start(self, heard: "Heard") -> None:
        self._heard = heard

    def state(self, state: "RoomState") -> None:
        if self._quiet:
            return
        people = ", ".join(
            f"{one.name}{' (speaking)' if one.speaking else ''}{' (muted)' if one.muted else ''}"
            for one in state.stage
        )
        told = f"{state.phase}, {state.on_air}: {state.title}{' — ' if people else ''}{people}"
        if told != self._told:
            self._told = told
            self.clear()
            typer.echo(told, err=True)

    def pcm(self, part: int, pcm: "Pcm") -> None:
        now = time.monotonic()
        if not self._moving or self._heard is None or now - self._last < _LINE_EVERY_S:
            return
        self._last = now
        found = self._heard.findings
        peak = int(abs(pcm.astype("int32")).max(initial=0))
        bar = "█" * min(20, peak * 20 // 16_384)
        behind = "" if found.behind_s_mean is None else f"  {found.behind_s_mean:.2f} s behind"
        line = (
            f"{found.audio_s:7.1f} s  {bar:<20}{behind}  gaps {found.gaps}  stalls {found.stalls}"
        )
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()

    def clear(self) -> None:
        if self._moving:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _print_summary(found: "Findings", out: Path | None) -> None:
    def seconds(value: float | None) -> str:
        return "not known" if value is None else f"{value:.3f} s"

    rows = [
        ("heard", f"{found.audio_s:.2f} s of {found.rendition}, parts {found.first_part}"
                  f" to {found.last_part}"),
        ("first audio after", seconds(found.first_audio_s)),
        ("behind the clock", f"{seconds(found.behind_s_mean)}, at most "
                             f"{seconds(found.behind_s_max)}"),
        ("gaps", f"{found.gaps} ({found.gap_parts} parts)"),
        ("jumps", f"{found.jumps} ({found.jump_parts} parts)"),
        ("stalls", f"{found.stalls} ({found.stalled_s:.2f} s)"),
        ("silence", f"{found.silent_s:.2f} s, at longest {found.silent_s_longest:.2f} s"),
        ("did not decode", f"{found.undecodable} parts"),
        ("connections", str(found.connections)),
    ]  # fmt: skip
    if out is not None:
        rows.append(("written to", str(out)))
    for name, text in rows:
        typer.echo(f"{name + ':':<20}{text}")
