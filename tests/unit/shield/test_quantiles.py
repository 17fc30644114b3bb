"""Quantiles that two readers of one ledger agree on."""

import math
import subprocess
import sys
from random import Random

import pytest

from stentor.shield.quantiles import Quantiles

_AGAIN = """
from random import Random
from stentor.shield.quantiles import Quantiles
chance, whole = Random(1), Quantiles()
for _ in range(50):
    one = Quantiles()
    one.add(chance.random() for _ in range(300))
    whole.merge(one.encode())
print(whole.encode().hex())
"""


def test_two_processes_that_merge_the_same_come_to_the_same_bytes() -> None:
    told = {subprocess.check_output([sys.executable, "-c", _AGAIN]) for _ in range(2)}
    assert len(told) == 1


def test_merged_quantiles_are_those_of_everything() -> None:
    chance, whole, values = Random(2), Quantiles(), []
    for _ in range(20):
        some = [chance.expovariate(1.0) for _ in range(500)]
        one = Quantiles()
        one.add(some)
        whole.merge(one.encode())
        values += some
    values.sort()
    assert len(whole) == 10_000
    assert whole.at(0.5) == pytest.approx(values[5_000], rel=0.05)
    assert whole.at(0.95) == pytest.approx(values[9_500], rel=0.05)
    assert whole.rank(values[2_500]) == pytest.approx(0.25, abs=0.02)


def test_nothing_measured_is_nothing() -> None:
    nothing = Quantiles()
    nothing.merge(b"")
    nothing.add([math.nan])
    assert nothing.encode() == b""
    assert math.isnan(nothing.at(0.5))
    assert len(nothing) == 0


def test_bytes_that_are_no_digest_are_refused() -> None:
    with pytest.raises(ValueError, match="no t-digest"):
        Quantiles().merge(b"\x07garbage")
