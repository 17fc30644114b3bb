"""The method's figures as `bench/verdict.py` measured them; written by it, not by hand."""

from stentor.evidence.signs import SIGNS
from stentor.evidence.weighing import Method, Weight

METHOD = Method(
    weights=tuple(Weight(sign, 0.7, 0.2, 1.0) for sign in SIGNS),
    intercept=-3.0,
    low=-1.0,
    high=1.0,
)
