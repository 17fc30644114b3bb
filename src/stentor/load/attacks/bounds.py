"""What no attack may exceed. Constants, not settings: nobody can ask for more."""

from stentor.base.errors import UsageError

PER_S_MAX = 20_000.0  # visits or datagrams a second, of all processes together
SECONDS_MAX = 60.0
SOURCES_MAX = 1 << 20
HELD_MAX = 16_000  # connections that one process keeps open; beyond it the oldest go
PROCESSES_MAX = 2
GRACE_S = 10.0  # after its time a process is killed by the kernel's own alarm
PATIENCE_S = 10.0  # for an answer
TAIL_BYTES_MAX = 16_384  # of an answer that is kept to be read


def check(per_s: float, seconds: float, sources: int) -> None:
    """Return if so much may be done; raises `UsageError`."""
    if not 0 < per_s <= PER_S_MAX:
        raise UsageError(f"Between 0 and {PER_S_MAX:,.0f} a second, not {per_s:g}.")
    if not 0 < seconds <= SECONDS_MAX:
        raise UsageError(f"For at most {SECONDS_MAX:g} seconds, not {seconds:g}.")
    if not 1 <= sources <= SOURCES_MAX:
        raise UsageError(f"Between 1 and {SOURCES_MAX:,} sources, not {sources}.")
