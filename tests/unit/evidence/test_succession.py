"""Whatever is done to a ledger's files is found: taken away, cut, doubled, moved."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import example, settings
from hypothesis import given as tried_with
from hypothesis import strategies as st

from stentor.evidence.chain import Head
from stentor.evidence.findings import Fault, Finding, Report
from stentor.evidence.kept import Beside
from stentor.evidence.records import let_go
from stentor.evidence.verify import verify
from support.ledger import START_MS, Writer, rotated

FILES = rotated(3, 6, 4, 5)
KEY = FILES[0].chain.public_key
HEADS = [head for one in FILES for head in one.heads]
NAMES = [f"{n:08}.jsonl" for n in range(1, len(FILES) + 1)]
Given = list[tuple[str, bytes]]


def data_of(*lines: bytes) -> bytes:
    return b"".join(lines)


def written() -> Given:
    return [(name, data_of(*one.lines)) for name, one in zip(NAMES, FILES, strict=True)]


def check(given: Given, heads: list[Head] | None = None) -> Report:
    report = verify(sorted(given), KEY, heads or [])
    assert report.whole is not bool(report.findings)
    return report


def names(report: Report, file: str, record: int) -> list[Finding]:
    """Return what is said of a record."""
    return [one for one in report.findings if one.file == file and one.record <= record <= one.to]


def doubts_end(report: Report, file: str, record: int) -> bool:
    """Say whether it is told that something after this record may have been cut off."""
    return any(
        doubt.startswith(f"After record {record} of {file}") and "cut off" in doubt
        for doubt in report.doubts
    )


def test_files_that_follow_one_another_are_whole_and_what_only_a_head_tells_is_doubted() -> None:
    report = check(written(), HEADS)
    assert (report.findings, report.doubts) == ((), ())
    # The newest head is enough: each file is chained to the one before.
    assert check(written(), HEADS[-1:]).doubts == ()
    report = check(written())
    assert report.whole
    assert len(report.doubts) == 2
    assert "written them anew" in report.doubts[0]
    assert doubts_end(report, NAMES[-1], len(FILES[-1].lines) - 1)


@pytest.mark.parametrize("gone", range(len(FILES)))
def test_any_file_that_is_taken_away_is_found_and_its_records_are_named(gone: int) -> None:
    given = written()
    del given[gone]
    size = len(FILES[gone].lines)
    kept = check(given, HEADS)
    opened = f"the file that {FILES[gone].chain.ledger[:16]}… opened"
    for record in (0, size - 1):
        assert [one.fault for one in names(kept, opened, record)] == [Fault.MISSING]
    alone = check(given)
    if gone == 0:  # as if the ledger of a longer time had been given in part
        assert alone.whole
        assert f"The file before {NAMES[1]} was not given." in alone.doubts
    else:
        (found,) = names(alone, f"the file after {NAMES[gone - 1]}", 0)
        assert found.fault is Fault.MISSING
        assert len(alone.findings) == 1


@pytest.mark.parametrize("many", [2, 3])
def test_several_files_that_are_taken_away_are_found(many: int) -> None:
    for gone in combinations(range(len(FILES)), many):
        given = [one for place, one in enumerate(written()) if place not in gone]
        kept = check(given, HEADS)
        for place in gone:
            opened = f"the file that {FILES[place].chain.ledger[:16]}… opened"
            assert names(kept, opened, 0)
        alone = check(given)
        first = next(place for place in range(len(FILES)) if place not in gone)
        if set(gone) != set(range(first)):
            hole = next(place for place in gone if place > first)
            assert names(alone, f"the file after {NAMES[hole - 1]}", 0)


def test_a_cut_at_any_record_of_any_file_is_found_and_the_first_missing_one_is_named() -> None:
    for place, one in enumerate(FILES):
        for size in range(len(one.lines)):
            given = written()
            given[place] = (NAMES[place], data_of(*one.lines[:size]))
            kept = check(given, HEADS)
            assert {found.fault for found in names(kept, NAMES[place], size)} == {Fault.MISSING}
            alone = check(given)
            if place < len(FILES) - 1 or not size:  # a file without any record is none
                assert names(alone, NAMES[place], size), (place, size)
            else:
                assert alone.whole
                assert doubts_end(alone, NAMES[place], size - 1)


def test_any_two_files_that_change_names_are_found() -> None:
    for one, other in combinations(range(len(FILES)), 2):
        given = written()
        given[one], given[other] = (NAMES[one], given[other][1]), (NAMES[other], given[one][1])
        for heads in (HEADS, []):
            moved = check(given, heads).findings
            assert {found.fault for found in moved} == {Fault.REORDERED}
            assert {found.file for found in moved} & {NAMES[one], NAMES[other]}
            assert all(found.record == 0 for found in moved)


def test_any_file_that_is_put_before_others_under_another_name_is_found() -> None:
    for place in range(1, len(FILES)):
        given = written()
        given[place] = ("00000000.jsonl", given[place][1])
        report = check(given)
        assert [one.fault for one in names(report, "00000000.jsonl", 0)] == [Fault.REORDERED]


@pytest.mark.parametrize("copy", ["00000000.jsonl", "00000002 copy.jsonl", "00000009.jsonl"])
def test_any_file_that_stands_twice_is_found_and_each_of_its_records_is_named(copy: str) -> None:
    for name, data in written():
        report = check([*written(), (copy, data)], HEADS)
        twice = [one for one in report.findings if one.fault is Fault.TWICE]
        assert {one.fault for one in report.findings} <= {Fault.TWICE, Fault.REORDERED}
        (second,) = {one.file for one in twice}
        assert second == max(name, copy)
        assert [(one.record, one.to) for one in twice] == [(0, data.count(b"\n") - 1)]


def test_a_shorter_copy_is_the_copy_and_the_file_is_not_taken_for_cut() -> None:
    for place, one in enumerate(FILES):
        copy = ("00000000.jsonl", data_of(*one.lines[:-2]))
        report = check([*written(), copy], HEADS)
        assert {found.fault for found in report.findings} == {Fault.TWICE}
        assert len(names(report, "00000000.jsonl", 0)) == 1, place


def test_two_files_that_follow_the_same_record_are_found() -> None:
    other = Writer(previous=FILES[1].chain.last).whole(2, why="rotated")
    report = check([*written(), ("00000009.jsonl", data_of(*other.lines))])
    assert [one.fault for one in names(report, "00000009.jsonl", 0)] == [Fault.UNCHAINED]


def test_records_put_in_at_the_end_of_a_file_that_another_one_follows_are_named() -> None:
    first = Writer()
    first.open()
    first.second()
    second = Writer(previous=first.chain.last).whole(2)
    first.second()
    first.second()
    given = [("1", data_of(*first.lines)), ("2", data_of(*second.lines))]
    (found,) = check(given).findings
    assert (found.file, found.fault, found.record, found.to) == ("1", Fault.UNCHAINED, 2, 3)


def test_a_line_without_its_end_is_found_where_another_file_was_begun_after_it() -> None:
    given = written()
    given[1] = (NAMES[1], given[1][1] + FILES[1].lines[3][:50])
    (found,) = check(given).findings
    size = len(FILES[1].lines)
    assert (found.file, found.fault, found.record) == (NAMES[1], Fault.UNREADABLE, size)
    given = written()[:1]  # of the newest file it may have been the machine that stopped
    first = Writer()
    first.open()
    given = [("1", data_of(*first.lines) + FILES[0].lines[1][:50])]
    assert check(given).whole


def test_files_that_the_ledger_let_go_for_room_are_not_missed() -> None:
    last = FILES[1].chain.last
    for noted in (let_go(NAMES[1], last), let_go(NAMES[1], "ab" * 32), None):
        third = Writer(previous=last)
        third._at_ms = START_MS + 500_000
        third.open()
        third.second(notes=(noted,) if noted is not None else None)
        third.close()
        heads = [*HEADS[: len(FILES[0].heads) + len(FILES[1].heads)], *third.heads]
        report = check([(NAMES[2], data_of(*third.lines))], heads)
        assert report.whole is (noted is not None and last in noted.about)
        assert any(f"The file before {NAMES[2]}" in doubt for doubt in report.doubts)
        if not report.whole:
            assert {one.fault for one in report.findings} == {Fault.MISSING}


def test_spoilt_beginning_and_end_are_named_once_and_no_file_is_made_up() -> None:
    for place in range(len(FILES)):
        for record in (0, len(FILES[place].lines) - 1):
            given = written()
            lines = list(FILES[place].lines)
            lines[record] = b"x" + lines[record][1:]
            given[place] = (NAMES[place], data_of(*lines))
            report = check(given)
            assert {one.file for one in report.findings} == {NAMES[place]}
            assert names(report, NAMES[place], record)


SIZES = [len(one.lines) for one in FILES]


@st.composite
def arranged(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Files taken away, cut, doubled and in any order, many at once: which, and how long."""
    every = list(enumerate(SIZES))
    picked = draw(st.lists(st.sampled_from(every), max_size=6) | st.permutations(every))
    if draw(st.booleans()):
        picked = sorted(picked)
    return [
        (place, draw(st.integers(0, size)) if draw(st.booleans()) else size)
        for place, size in picked
    ]


@settings(max_examples=300, deadline=None, derandomize=True)
@tried_with(arranged())
@example(list(enumerate(SIZES)))
@example([*enumerate(SIZES[:3]), (3, 4)])
@example([(1, SIZES[1]), (2, 1)])
def test_of_any_files_only_those_are_called_whole_that_may_be_what_was_written(
    picked: list[tuple[int, int]],
) -> None:
    given = [
        (f"{n:08}.jsonl", data_of(*FILES[place].lines[:size]))
        for n, (place, size) in enumerate(picked, 1)
    ]
    report = verify(given, KEY, HEADS)
    assert report.whole is (picked == list(enumerate(SIZES)))
    assert report.whole or all(one.record >= 0 and one.file for one in report.findings)
    # Without a head: a part of it without a hole, whose end is the ledger's, or is not closed.
    report = verify(given, KEY)
    places = [place for place, _ in picked]
    in_turn = places == list(range(places[0], places[0] + len(places))) if places else True
    full = all(size == SIZES[place] for place, size in picked[:-1])
    ends = not picked or picked[-1] == (3, SIZES[3]) or 0 < picked[-1][1] < SIZES[places[-1]]
    assert report.whole is (in_turn and full and ends)
    if report.whole and picked:
        assert doubts_end(report, given[-1][0], picked[-1][1] - 1)
        assert any("written them anew" in doubt for doubt in report.doubts)


@pytest.mark.parametrize("place", range(len(FILES)))
def test_files_written_anew_with_the_ledgers_own_key_are_found_by_whoever_kept_a_head(
    place: int,
) -> None:
    """All of it is well signed and chained: only a head tells, and without one that is said."""
    given = written()[:place]
    last = FILES[place - 1].chain.last if place else "0" * 64
    for name in NAMES[place:]:
        one = Writer(previous=last)
        one._at_ms = START_MS + 7_000_000
        one.whole(4, why="rotated" if name != NAMES[-1] else "stopped")
        last = one.chain.last
        given.append((name, data_of(*one.lines)))
    alone = check(given)
    assert alone.whole
    assert "written them anew" in alone.doubts[0]
    kept = check(given, FILES[place].heads[:1])
    opened = f"the file that {FILES[place].chain.ledger[:16]}… opened"
    assert [one.file for one in kept.findings] == [opened]


def with_heads_beside(given: Given, *, all_files: bool = True) -> Report:
    return verify(given, KEY, beside=[Beside("there", tuple(HEADS), all_files)])


def test_last_files_that_were_taken_away_are_missed_by_the_heads_beside() -> None:
    first = Writer()  # not closed, so that nothing but a head tells of the next one
    first.open()
    first.second()
    second = Writer(previous=first.chain.last)
    second._at_ms = START_MS + 100_000
    second.whole(2)
    given = [("1", data_of(*first.lines))]
    beside = Beside("there", tuple(second.heads), all_files=True)
    assert verify(given, KEY).whole
    (found,) = verify(given, KEY, beside=[beside]).findings
    assert (found.file, found.fault) == (
        f"the file that {second.chain.ledger[:16]}… opened",
        Fault.MISSING,
    )
    # Of a file that is given alone nobody said that it is the last one.
    beside = Beside("there", tuple(second.heads), all_files=False)
    assert verify(given, KEY, beside=[beside]).whole


@pytest.mark.parametrize("place", range(len(FILES)))
def test_a_file_that_is_given_alone_is_held_against_its_own_heads_beside_it(place: int) -> None:
    whole = written()[place]
    report = with_heads_beside([whole], all_files=False)
    assert [one for one in report.findings if one.file == whole[0]] == []
    assert [one.heads for one in report.beside] == [len(FILES[place].heads)]
    cut = (whole[0], data_of(*FILES[place].lines[:2]))
    (found,) = with_heads_beside([cut], all_files=False).findings
    assert (found.record, found.to) == (2, len(FILES[place].lines) - 1)


@pytest.mark.parametrize("clock_s", [0, 200], ids=["in time", "in order, by a clock set back"])
def test_earlier_files_that_were_put_elsewhere_are_told_by_heads_beside_and_are_no_fault(
    clock_s: int,
) -> None:
    first, last = rotated(3, 4)
    ahead = Writer()
    ahead._at_ms = START_MS + clock_s * 1000
    ahead.whole(3, why="rotated")
    heads = (*(ahead if clock_s else first).heads, *last.heads)
    report = verify([("2", data_of(*last.lines))], KEY, beside=[Beside("there", heads, True)])
    assert report.whole
    assert "there has heads of an earlier file that is not here." in report.doubts


def test_heads_beside_of_files_that_the_ledger_let_go_are_no_doubt() -> None:
    last = FILES[1].chain.last
    third = Writer(previous=last)
    third._at_ms = START_MS + 500_000
    third.open()
    third.second(notes=(let_go(NAMES[1], last),))
    heads = tuple(HEADS[: len(FILES[0].heads) + len(FILES[1].heads)])
    given = [(NAMES[2], data_of(*third.lines))]
    report = verify(given, KEY, beside=[Beside("there", heads, True)])
    assert report.whole
    assert report.doubts == verify(given, KEY).doubts
