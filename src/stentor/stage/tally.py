"""The stage's figures for /metrics: what sessions counted, summed over those that are gone too."""

from collections import Counter as Sums
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from stentor.base import metrics
from stentor.stage.session import Session
from stentor.stage.ticker import TickCounts


def counted(session: Session) -> dict[str, int]:
    """Return what one session counted, by the names of `metrics.STAGE_PACKETS`."""
    counts = session.playout.counts
    return {
        "received": counts.received,
        "lost": session.playout.lost_total,
        "late": counts.late,
        "duplicate": counts.duplicate,
        "broken": counts.broken + session.broken_total,
        "overflowed": counts.overflowed,
        "foreign": session.peer.dropped_total,
        "sifted": session.peer.sifted_total,
        "recovered": counts.recovered,
        "concealed": counts.concealed,
        "unsent": session.peer.send_errors_total,
    }


def adjusted(session: Session) -> dict[str, int]:
    """Return by how much one session's delay was adjusted, by the names of `STAGE_SAMPLES`."""
    counts = session.playout.counts
    return {"skipped": counts.skipped_samples, "inserted": counts.inserted_samples}


class Tally:
    """Sums over sessions."""

    def __init__(self) -> None:
        self._ended: Sums[str] = Sums()
        self._adjusted: Sums[str] = Sums()

    def end(self, session: Session) -> None:
        """Keep the figures of a session that is over."""
        self._ended.update(counted(session))
        self._adjusted.update(adjusted(session))

    def packets(self, sessions: Iterable[Session]) -> dict[str, int]:
        """Return the sums, with those of the sessions that are going on."""
        sums = Sums(self._ended)
        for session in sessions:
            sums.update(counted(session))
        return dict(sums)

    def samples(self, sessions: Iterable[Session]) -> dict[str, int]:
        """Return how many samples were left out and put in, of all sessions."""
        sums = Sums(self._adjusted)
        for session in sessions:
            sums.update(adjusted(session))
        return dict(sums)

    def collect(self, sessions: list[Session], rooms: int, ticks: TickCounts) -> Iterator[Metric]:
        """Yield everything as Prometheus has it."""
        packets = CounterMetricFamily(*metrics.STAGE_PACKETS, labels=["fate"])
        for fate, count in self.packets(sessions).items():
            packets.add_metric([fate], count)
        yield packets
        samples = CounterMetricFamily(*metrics.STAGE_SAMPLES, labels=["fate"])
        for fate, count in self.samples(sessions).items():
            samples.add_metric([fate], count)
        yield samples
        for (name, about), value in (
            (metrics.STAGE_SESSIONS, len(sessions)),
            (metrics.STAGE_ROOMS, rooms),
            (metrics.STAGE_TICK_SLOWEST, ticks.slowest_ns / 1e9),
        ):
            yield GaugeMetricFamily(name, about, value=value)
        for (name, about), value in (
            (metrics.STAGE_TICKS, ticks.ticks),
            (metrics.STAGE_TICKS_LATE, ticks.late),
            (metrics.STAGE_TICKS_LEFT_OUT, ticks.left_out),
            (metrics.STAGE_TICK_BUSY, ticks.busy_ns / 1e9),
        ):
            yield CounterMetricFamily(name, about, value=value)
