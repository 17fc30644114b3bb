"""A load's figures for people: a line while it runs, a table at the end."""

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stentor.load.report import Tally, figures
from stentor.load.run import Sums

_ROWS: tuple[tuple[str, str, str], ...] = (
    ("listeners", "listening at the end", "of those who were to come"),
    ("heard", "got audio", ""),
    ("stalls", "stalls", "a player's buffer ran dry"),
    ("stalled_listeners", "listeners who had one", ""),
    ("gaps", "gaps", "parts that never came, without a word"),
    ("jumps", "jumps", "moved to the live edge, as the edge said"),
    ("lost", "connections lost", "before the room's end"),
    ("refused", "refused", "without a place in line"),
    ("unanswered", "hung up on without a word", "and tried again"),
    ("waited", "came in by the line", ""),
    ("in_line", "still in line", ""),
    ("told_full", "told that it was full", "and so no time"),
    ("tickets_lost", "tickets not honoured", "showed one and got a worse place"),
    ("moved", "moved", "to another lane, as advised"),
    ("cut", "cut", "by the load itself"),
    ("left", "left", "of their own accord"),
    ("parts", "parts checked", "the position of each"),
    ("sampled_parts", "parts hashed", "the sample"),
    ("differing_parts", "that differed", ""),
    ("decoded_parts", "parts decoded", ""),
    ("undecodable_parts", "that did not decode", ""),
)
_DURATIONS = (
    ("first_audio_s", "to first audio"),
    ("after_hour_s", "from the hour to audio, of who came before it"),
    ("served_audio_s", "from one's turn to audio, of who was in line"),
    ("behind_s", "behind live"),
    ("delivered_s", "from made to delivered"),
    ("stall_s", "a stall"),
    ("back_s", "from a lost connection to audio again"),
    ("told_s", "from coming to a place in line"),
    ("wait_s", "in line"),
    ("wait_error_s", "against what was announced"),
    ("late_s", "late to come: the load's own doing"),
)


def progress_line(sums: Sums, before: Sums | None) -> str:
    """Return how it goes; rates are since `before`."""
    passed_s = sums.passed_s - (before.passed_s if before else 0.0)
    rate = (sums.bytes - (before.bytes if before else 0)) * 8 / max(0.1, passed_s) / 1e6
    return (
        f"{max(0.0, sums.passed_s):5.0f} s   {sums.connected:,} of {sums.wanted:,} connected"
        f"   {sums.heard:,} heard   {sums.waiting:,} in line   {sums.stalls:,} stalls"
        f"   {sums.gaps:,} gaps   {sums.lost:,} lost   {sums.refused:,} refused"
        f"   {rate:,.1f} Mbit/s"
    )


class Shown:
    """The line while it runs; use it as a context."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._before: Sums | None = None

    def __enter__(self) -> "Shown":
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def __call__(self, sums: Sums) -> None:
        """Show the newest sums."""
        self._live.update(Text(progress_line(sums, self._before)))
        if self._before is None or sums.passed_s - self._before.passed_s > 1.0:
            self._before = sums


def show_table(tally: Tally, console: Console) -> None:
    """Print what was found."""
    counts = Table(title=f"{tally.wanted:,} listeners", title_justify="left")
    counts.add_column("")
    counts.add_column("", justify="right")
    counts.add_column("", style="dim")
    for name, label, note in _ROWS:
        counts.add_row(label, f"{getattr(tally, name):,}", note)
    console.print(counts)
    times = Table(title="Seconds", title_justify="left")
    times.add_column("")
    for column in ("p50", "p95", "p99", "max"):
        times.add_column(column, justify="right")
    found = figures(tally)
    for name, label in _DURATIONS:
        percentiles = found[name]
        if isinstance(percentiles, dict):
            times.add_row(label, *(f"{percentiles[p]:.3f}" for p in ("p50", "p95", "p99", "max")))
    console.print(times)
    if tally.promised:
        console.print(
            f"Of {tally.promised:,} who had been told a time,"
            f" {tally.waits_within_10 / tally.promised:.0%} within 10 % of that,"
            f" {tally.waits_within_20 / tally.promised:.0%} within 20 %."
        )
    lanes = ", ".join(f"{n:,} at {int(ms) / 1000:g} s" for ms, n in sorted(tally.lanes.items()))
    console.print(f"Lanes at the end: {lanes or 'nobody'}.")
    per_listener = tally.resident_bytes / max(1, tally.wanted)
    console.print(
        f"The load itself: {tally.processes} processes, {tally.cpu_s:.1f} s of CPU,"
        f" {per_listener:.0f} bytes of memory a listener."
    )
