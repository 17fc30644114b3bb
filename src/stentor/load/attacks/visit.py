"""What one attacker does on one connection, as facts: what it says, and how it goes on. Pure."""

from dataclasses import dataclass
from enum import Enum


class Then(Enum):
    """How a connection goes on once the first words are said."""

    LEAVES = "leaves"  # when the answer is there
    READS = "reads"  # all that comes, for as long as it comes
    SIPS = "sips"  # takes a few bytes now and then
    DRIPS = "drips"  # says a few bytes more now and then
    SITS = "sits"  # and does nothing at all


@dataclass(frozen=True, slots=True)
class Visit:
    """One connection. `source` numbers the attacker; `kind` is what outcomes are counted by."""

    source: int
    says: bytes
    then: Then = Then.LEAVES
    kind: str = "asked"
    drip: bytes = b""
    window_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """A visit that follows from an answer."""

    in_s: float
    visit: Visit
