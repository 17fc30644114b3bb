"""docs/scale.md says what the code computes, and nothing else."""

from __future__ import annotations

import scale


def test_page_has_the_figures_that_the_code_computes() -> None:
    page = scale.PAGE.read_text()
    assert scale.written(page) == page, "write them anew: .venv/bin/python bench/scale.py --write"


def test_every_figure_of_the_script_is_in_the_page_once() -> None:
    assert sorted(scale.marked(scale.PAGE.read_text())) == sorted(scale.FIGURES)


def test_figures_that_were_edited_by_hand_are_found() -> None:
    page = scale.PAGE.read_text()
    at = page.index("| 8,000,000 |") + 2
    edited = page[:at] + "9" + page[at + 1 :]
    assert scale.written(edited) == page


def test_named_audience_listens_at_once() -> None:
    from stentor.rehearsal.demand import demand

    for listeners in scale.SIZES:
        assert abs(demand(scale.at_once(listeners)).peak / listeners - 1) < 1e-4
