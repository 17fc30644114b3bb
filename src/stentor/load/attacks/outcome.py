"""What became of an attack, as the attackers saw it: counts that processes add up."""

from collections.abc import Iterable

import msgspec


class Outcome(msgspec.Struct):
    """Totals of one process, or of all."""

    due: int = 0  # by the rate that was asked for
    sent: int = 0  # of these, what this machine could send
    unconnected: int = 0  # the kernel refused, or was out of ports
    answered: int = 0
    cut: int = 0  # the other end hung up without an answer
    unanswered: int = 0  # nothing came in time
    let_in: int = 0  # a stream was given
    held: int = 0  # connections that were still open at the end
    given_up: int = 0  # of those held, closed to make room for new ones
    bytes_read: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    by_kind: dict[str, dict[str, int]] = {}  # what was done → status or ending → how often
    kernel: dict[str, int] = {}  # growth of the kernel's counters, of families that it answers

    def count(self, kind: str, ending: str) -> None:
        """Note how one ended."""
        endings = self.by_kind.setdefault(kind, {})
        endings[ending] = endings.get(ending, 0) + 1

    def merge(self, other: "Outcome") -> None:
        """Add another process's; time and the kernel's counters are the same for all."""
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if name in ("seconds", "kernel"):
                setattr(self, name, max(mine, theirs) if name == "seconds" else theirs or mine)
            elif name == "by_kind":
                for kind, endings in other.by_kind.items():
                    into = self.by_kind.setdefault(kind, {})
                    for ending, count in endings.items():
                        into[ending] = into.get(ending, 0) + count
            else:
                setattr(self, name, mine + theirs)


def sum_outcomes(outcomes: Iterable[Outcome]) -> Outcome:
    """Return all processes' outcome as one."""
    total = Outcome()
    for one in outcomes:
        total.merge(one)
    return total
