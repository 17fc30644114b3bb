"""What fuzzing found stays found, and what strangers send is read without surprises.

The targets are those of `python -m fuzz`, which goes on from here by coverage.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.targets import TARGETS
from hypothesis import given
from hypothesis import strategies as st

from stentor.base.errors import Problem
from stentor.edge.request import read_query

CORPUS = Path(__file__).parents[2] / "fuzz" / "corpus"
FILES = sorted(CORPUS.glob("*/*"))


def test_every_target_has_a_corpus_to_begin_with() -> None:
    assert {file.parent.name for file in FILES} == set(TARGETS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.name}")
@pytest.mark.timeout(10)
def test_what_is_in_the_corpus_is_read_without_surprises(file: Path) -> None:
    TARGETS[file.parent.name](file.read_bytes())


@st.composite
def damaged(draw: st.DrawFn, target: str) -> bytes:
    """Something of the corpus with a few bytes put in, left out or put elsewhere."""
    data = draw(st.sampled_from([one.read_bytes() for one in FILES if one.parent.name == target]))
    for _ in range(draw(st.integers(0, 4))):
        at, until = (draw(st.integers(0, len(data))) for _ in "ab")
        data = data[:at] + draw(st.binary(max_size=6)) + data[until:]
    return data


@pytest.mark.parametrize("target", sorted(TARGETS))
@given(data=st.data())
def test_damaged_bytes_are_read_without_surprises(target: str, data: st.DataObject) -> None:
    TARGETS[target](data.draw(st.binary(max_size=600) | damaged(target)))


@given(
    st.lists(
        st.tuples(st.text("abcAB_-.~", min_size=1), st.text("ab019_-.~%=& +\x00é", max_size=8)),
        max_size=6,
    )
)
def test_a_query_is_read_exactly_or_refused(pairs: list[tuple[str, str]]) -> None:
    text = "&".join(f"{key}={value}" for key, value in pairs)
    plain = set("abcAB_-.~019")
    good = len(dict(pairs)) == len(pairs) and all(set(value) <= plain for _, value in pairs)
    if good:
        assert read_query(text) == dict(pairs)
    else:
        try:
            read = read_query(text)
        except Problem:
            return
        # An "&" or "=" in a value made other pairs of it, all of them plain.
        assert "&".join(f"{key}={value}" for key, value in read.items()) == text
