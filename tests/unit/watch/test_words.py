"""The operator's page has words for all that an assessment can name."""

from __future__ import annotations

import re
from importlib.resources import files

from stentor.shield.assessment import TOGETHER
from stentor.shield.floors import FLOORS

WORDS = (files("stentor.watch") / "site" / "words.js").read_text()


def test_the_page_has_words_for_each_sign_that_has_a_floor_and_for_no_other() -> None:
    found = re.search(r"^const SIGNS = \{\n(.*?)^\};", WORDS, re.M | re.S)
    assert found is not None
    words = dict(re.findall(r'^  (\w+): "([^"]+)",$', found[1], re.M))
    assert len(words) == found[1].count("\n")
    # An assessment never names all signs together as what stands out most.
    assert set(words) == {name.partition(" ")[0] for name in FLOORS if name != TOGETHER}
