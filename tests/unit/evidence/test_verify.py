"""Whatever is done to a ledger is found, and the record is named: any byte, any place."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.evidence.chain import (
    FORMAT,
    Chain,
    Tree,
    head_holds,
    leaf_hash,
    read_body,
    take_apart,
)
from stentor.evidence.findings import Fault, LocalWitness
from stentor.evidence.kept import Beside
from stentor.evidence.records import Opening, Second
from stentor.evidence.verify import verify
from support.ledger import Writer, check, named

WRITER = Writer().whole(13)
LINES = WRITER.lines
KEY = WRITER.chain.public_key
COUNT = len(LINES)
records = st.integers(0, COUNT - 1)
quick = settings(max_examples=60, deadline=None, derandomize=True)


def faults(lines: list[bytes], **how: object) -> dict[int, Fault]:
    report = check(lines, **how)  # type: ignore[arg-type]
    assert report.whole is not bool(report.findings)
    return {found.record: found.fault for found in report.findings}


def test_what_was_written_is_whole() -> None:
    report = check(LINES, KEY, WRITER.heads)
    assert (report.whole, report.findings, report.doubts) == (True, (), ())
    assert (report.files[0].records, report.files[0].seconds) == (COUNT, 13)


@quick
@given(st.data())
def test_any_byte_that_is_changed_is_found_in_its_record(data: st.DataObject) -> None:
    n = data.draw(records)
    at = data.draw(st.integers(0, len(LINES[n]) - 2))  # the newline: the next test
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != LINES[n][at]))
    line = bytearray(LINES[n])
    line[at] = other
    lines = [*LINES[:n], bytes(line), *LINES[n + 1 :]]
    assert n in named(check(lines, KEY))
    assert n in named(check(lines))


@quick
@given(records.filter(lambda n: n < COUNT - 1), st.binary(min_size=0, max_size=3))
def test_lines_that_are_run_together_are_found(n: int, between: bytes) -> None:
    if between == b"\n":
        return
    lines = [*LINES[:n], LINES[n][:-1] + between + LINES[n + 1], *LINES[n + 2 :]]
    found = named(check(lines, KEY))
    assert {n, n + 1} & found


@quick
@given(records, st.integers(1, COUNT))
def test_any_records_taken_out_before_the_end_are_missing(n: int, many: int) -> None:
    lines = [*LINES[:n], *LINES[n + many :]]
    if n + many < COUNT:
        gone = set(range(n, n + many))
        report = check(lines, KEY)
        assert gone <= named(report)
        assert Fault.MISSING in {found.fault for found in report.findings}


@quick
@given(st.integers(1, COUNT - 1))
def test_a_tail_that_was_cut_is_doubted_and_found_by_whoever_kept_a_head(size: int) -> None:
    lines = LINES[:size]
    report = check(lines, KEY)
    assert any("cut off" in doubt for doubt in report.doubts)
    kept = [head for head in WRITER.heads if head.size > size]
    assert (set(range(size, kept[-1].size)) if kept else set()) <= named(check(lines, KEY, kept))
    assert check(lines, KEY, kept).whole is not bool(kept)


@quick
@given(st.integers(1, COUNT), st.booleans())
def test_a_tail_that_was_cut_is_found_by_the_heads_that_lie_beside(size: int, all_: bool) -> None:
    beside = Beside("there", tuple(WRITER.heads), all_files=all_)
    report = verify([("ledger", b"".join(LINES[:size]))], KEY, beside=[beside])
    assert report.beside == (LocalWitness("there", len(WRITER.heads)),)
    if size == COUNT:
        assert report.whole
    else:
        (found,) = report.findings
        assert (found.fault, found.record, found.to) == (Fault.MISSING, size, COUNT - 1)
        assert found.why == "a head in there has them: the tail was cut off"


def test_heads_that_lie_beside_vouch_for_nothing_that_their_keeper_could_have_done() -> None:
    beside = Beside("there", tuple(WRITER.heads), all_files=True)
    alone = verify([("ledger", b"".join(LINES))], KEY)
    report = verify([("ledger", b"".join(LINES))], KEY, beside=[beside])
    assert report.doubts == alone.doubts
    assert report.ends == alone.ends
    assert [(end.record, end.vouched) for end in report.ends] == [(COUNT - 1, 0)]
    assert check(LINES, KEY, WRITER.heads).ends == ()


def test_heads_beside_that_another_key_signed_are_told_and_not_heeded() -> None:
    others = Writer(2).whole(20).heads
    forged_ = msgspec.structs.replace(WRITER.heads[-1], size=COUNT + 9)
    beside = Beside("there", (*others, forged_), all_files=True)
    report = verify([("ledger", b"".join(LINES))], KEY, beside=[beside])
    assert (report.whole, report.beside) == (True, ())
    told = f"In there {len(others) + 1} heads are not signed by the ledger's key."
    assert told in report.doubts


def test_a_ledger_written_anew_is_found_by_heads_beside_that_were_forgotten() -> None:
    anew = Writer()
    anew.open()
    for _ in range(COUNT):
        anew.second(5)
    beside = Beside("there", tuple(WRITER.heads), all_files=False)
    report = verify([("ledger", b"".join(anew.lines))], KEY, beside=[beside])
    assert Fault.REWRITTEN in {found.fault for found in report.findings}


def test_several_kept_heads_name_one_cut_once() -> None:
    (found,) = check(LINES[:3], KEY, WRITER.heads).findings
    assert (found.fault, found.record, found.to) == (Fault.MISSING, 3, COUNT - 1)


@quick
@given(st.integers(0, COUNT - 1), st.integers(1, 700))
def test_a_tail_that_was_cut_within_a_line_is_found_the_same_way(n: int, cut: int) -> None:
    lines = [*LINES[:n], LINES[n][: max(1, len(LINES[n]) - cut)]]
    kept = [head for head in WRITER.heads if head.size > n + 1]
    if kept:
        assert {n, n + 1} & named(check(lines, KEY, kept))
    assert check(lines, KEY).doubts


@quick
@given(records, records)
def test_records_that_change_places_are_named(one: int, other: int) -> None:
    lines = list(LINES)
    lines[one], lines[other] = lines[other], lines[one]
    if one != other:
        report = check(lines, KEY)
        assert min(one, other) in named(report)
        assert Fault.REORDERED in {found.fault for found in report.findings}


@quick
@given(records, st.integers(0, COUNT))
def test_a_record_that_stands_twice_is_named(n: int, at: int) -> None:
    lines = [*LINES[:at], LINES[n], *LINES[at:]]
    report = check(lines, KEY)
    assert n in named(report)
    assert {found.fault for found in report.findings} <= {Fault.TWICE, Fault.REORDERED}


def forged(n: int, key: int) -> list[bytes]:
    """Replace record `n` by another that says something else, hashed and signed by `key`."""
    forger = Chain(Writer(key).chain._key)
    forger.tree.size, forger.last = n, LINES[n - 1].decode().rpartition('"hash":"')[2][:64]
    return [*LINES[:n], forger.line(Second(1)), *LINES[n + 1 :]]


@quick
@given(st.integers(1, COUNT - 1))
def test_a_record_signed_with_another_key_is_named(n: int) -> None:
    assert faults(forged(n, key=2), key=KEY) == {n: Fault.RESIGNED}
    assert faults(forged(n, key=2)) == {n: Fault.RESIGNED}


@quick
@given(st.integers(1, COUNT - 1))
def test_even_the_ledgers_own_key_cannot_change_a_record_alone(n: int) -> None:
    report = check(forged(n, key=1), KEY, WRITER.heads[-1:])
    assert {n, n + 1} & named(report)


def test_a_ledger_written_anew_with_its_own_key_is_found_by_whoever_kept_a_head() -> None:
    anew = Writer()
    anew.open()
    for n in range(13):
        anew.second(5 if n == 4 else None)
        if n % 5 == 4:
            anew.head()
    anew.close()
    report = check(anew.lines, KEY)
    assert report.whole
    assert "written them anew" in report.doubts[0]  # that is what nobody can know without a head
    report = check(anew.lines, KEY, WRITER.heads[:1])
    assert [found.fault for found in report.findings] == [Fault.REWRITTEN]
    assert named(report) == set(range(WRITER.heads[0].size))
    # Two heads that were kept narrow it down: the first still fits.
    late = Writer()
    late.open()
    for n in range(13):
        late.second(5 if n == 7 else None)
        if n % 5 == 4:
            late.head()
    late.close()
    assert named(check(late.lines, KEY, WRITER.heads)) == set(
        range(WRITER.heads[0].size, WRITER.heads[1].size)
    )


def test_a_ledger_signed_anew_with_another_key_is_told_from_the_published_one() -> None:
    anew = Writer(key=2).whole(13)
    report = check(anew.lines, KEY)
    assert not report.whole
    assert 0 in named(report)
    assert any("published" in doubt for doubt in check(anew.lines).doubts)


def test_an_opening_that_names_another_key_does_not_make_the_other_records_false() -> None:
    parts = take_apart(LINES[0][:-1])
    assert parts is not None
    body = read_body(parts.body)
    assert body is not None
    assert body.opening is not None
    other = msgspec.structs.replace(body.opening, public_key=Writer(2).chain.public_key)
    forger = Chain(Writer(2).chain._key)
    lines = [forger.line(other), *LINES[1:]]
    assert faults(lines, key=KEY) == {0: Fault.RESIGNED}


def test_a_wrong_head_by_the_ledgers_own_key_is_named() -> None:
    writer = Writer()
    writer.open()
    writer.second()
    writer.put(msgspec.structs.replace(writer.chain.head(1), size=1))
    assert faults(writer.lines) == {2: Fault.WRONG_HEAD}


@pytest.mark.parametrize("what", ["of other records", "of fewer records", "of another file"])
def test_a_head_that_is_well_signed_and_says_something_else_is_named(what: str) -> None:
    writer, other = Writer(), Writer(previous="ab" * 32 if what == "of another file" else "0" * 64)
    for one in (writer, other):
        one.open()
    if what != "of fewer records":
        other.second(5 if what == "of other records" else None)
    writer.second()
    writer.put(other.chain.head(1))
    assert head_holds(other.chain.head(1))
    assert faults(writer.lines, key=KEY) == {2: Fault.WRONG_HEAD}


def test_a_head_that_is_right_and_falsely_signed_is_named() -> None:
    writer = Writer()
    writer.open()
    writer.second()
    writer.put(msgspec.structs.replace(writer.chain.head(1), at_ms=2))
    assert faults(writer.lines, key=KEY) == {2: Fault.WRONG_HEAD}


def test_a_second_opening_and_anything_after_a_closing_are_misplaced() -> None:
    writer = Writer().whole(1)
    writer.second()
    assert faults(writer.lines) == {len(writer.lines) - 1: Fault.MISPLACED}
    writer = Writer()
    writer.open()
    writer.put(Opening(FORMAT, "1", {}, "", writer.chain.public_key, "0" * 64, 5))
    assert faults(writer.lines) == {1: Fault.MISPLACED}


def test_files_follow_each_other_and_one_that_is_not_there_is_told() -> None:
    first = Writer().whole(3)
    second = Writer(previous=leaf_of(first.lines[-1])).whole(3)
    third = Writer(previous=leaf_of(second.lines[-1])).whole(3)
    three = [(str(n), b"".join(one.lines)) for n, one in enumerate((first, second, third), 1)]
    assert verify(three, KEY, third.heads).doubts == ()
    report = verify(three[1:], KEY, third.heads)
    assert (report.whole, report.doubts) == (True, ("The file before 2 was not given.",))
    (found,) = verify([three[0], three[2]], KEY, third.heads).findings
    assert (found.file, found.fault, found.record) == ("the file after 1", Fault.MISSING, 0)


def test_a_file_that_was_not_closed_is_not_doubted_where_the_next_one_follows_it() -> None:
    first = Writer()
    first.open()
    first.second()
    second = Writer(previous=leaf_of(first.lines[-1])).whole(3)
    files = [(str(n), b"".join(one.lines)) for n, one in enumerate((first, second), 1)]
    assert verify(files, KEY, second.heads).doubts == ()
    files[0] = ("1", first.lines[0])
    (found,) = verify(files, KEY).findings
    assert (found.file, found.fault, found.record) == ("1", Fault.MISSING, 1)


def leaf_of(line: bytes) -> str:
    parts = take_apart(line[:-1])
    assert parts is not None
    return leaf_hash(parts.body).hex()


def test_a_gap_is_told_and_is_no_fault() -> None:
    writer = Writer()
    writer.open()
    writer.second(10_000)
    writer.second(11_000)
    writer.second(21_000)
    report = check(writer.lines)
    assert report.whole
    assert report.files[0].gaps == ((11_000, 21_000),)


@pytest.mark.parametrize("lines", [[], [b"\n"], [b"nonsense\n"], [b"\xff\xfe\n"] * 3])
def test_what_is_no_ledger_is_not_whole(lines: list[bytes]) -> None:
    assert not check(lines).whole


def test_a_hole_of_any_size_is_found() -> None:
    writer = Writer()
    writer.open()
    writer.chain.tree.size = 300_000
    writer.second()
    (found,) = check(writer.lines, writer.chain.public_key).findings
    assert (found.fault, found.record, found.to) == (Fault.MISSING, 1, 299_999)


@st.composite
def tampered(draw: st.DrawFn) -> bytes:
    """The ledger with lines put elsewhere, twice or out, and bytes of it changed, many at once."""
    picked = draw(st.lists(records, max_size=COUNT + 3)) if draw(st.booleans()) else range(COUNT)
    data = b"".join(LINES[n] for n in picked)
    for _ in range(draw(st.integers(0, 3))):
        at, until = (draw(st.integers(0, len(data))) for _ in "ab")
        piece = draw(st.binary(max_size=4) | st.sampled_from([b"\n", b"\r", b"}", *LINES]))
        data = data[:at] + piece + data[max(at, until if until - at < 9 else at) :]
    return data


@settings(max_examples=150, deadline=None, derandomize=True)
@given(tampered())
def test_only_what_was_written_from_its_beginning_on_is_ever_called_whole(data: bytes) -> None:
    whole = verify([("ledger", data)], KEY).whole
    *lines, rest = data.split(b"\n")
    if rest + b"\n" in LINES:
        lines, rest = [*lines, rest], b""  # only the newline is not there
    written = [line + b"\n" for line in lines] == LINES[: len(lines)] and bool(lines)
    if rest:
        assert written or not whole  # a torn end is none of what was written
    else:
        assert whole is written


def test_files_that_name_different_keys_are_doubted_where_none_was_published() -> None:
    first = Writer().whole(3)
    second = Writer(key=2, previous=leaf_of(first.lines[-1])).whole(3)
    files = [(str(n), b"".join(one.lines)) for n, one in enumerate((first, second), 1)]
    assert any("2 different keys" in doubt for doubt in verify(files).doubts)
    assert not any("different keys" in doubt for doubt in verify(files[:1]).doubts)
    assert not verify(files, KEY).whole


def test_only_what_the_key_signed_is_given_on() -> None:
    given: list[int] = []
    lines = [*forged(4, key=2), LINES[5]]
    report = verify(
        [("ledger", b"".join(lines))], KEY, good=lambda _, second: given.append(second.at_ms)
    )
    assert not report.whole
    assert len(given) == len(set(given)) == report.files[0].seconds
    assert 1 not in given


def test_many_kept_heads_are_compared_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day's heads against a day's records: root by root it would be 60 million hashes."""
    added = 0

    class Counted(Tree):
        def add(self, leaf: bytes) -> None:
            nonlocal added
            added += 1
            super().add(leaf)

    writer = Writer()
    writer.open()
    for n in range(200):
        writer.second()
        writer.heads.append(writer.chain.head(n))
    monkeypatch.setattr("stentor.evidence.verify.Tree", Counted)
    assert verify([("ledger", b"".join(writer.lines))], KEY, writer.heads).whole
    assert added <= 2 * len(writer.lines)
