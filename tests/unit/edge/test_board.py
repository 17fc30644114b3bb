"""The board: what one edge wrote the others read, whatever happens in between."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import msgspec
import pytest

from stentor.admission.line import BUCKET_MS, Sheet, Totals
from stentor.edge.board import _SHEET_AT, BUCKETS, FRESH_MS, PEAK_S, SPENT, Board, Standing

NOW_S = 1_800_000_000
PLACE = NOW_S * 1000
FIRST = PLACE // BUCKET_MS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "door.board"


def test_lowest_edge_that_is_alive_leads(path: Path) -> None:
    boards = [Board(path, index, NOW_S) for index in (0, 1, 2)]
    for board in boards:
        board.beat(10_000, Standing(5, 1.5, wants_line=True, step=4))
    assert boards[2].edges(10_100) == [0, 1, 2]
    boards[1].beat(10_000 + FRESH_MS, Standing(5, 1.5, wants_line=False))
    assert boards[2].edges(10_000 + FRESH_MS) == [1]
    assert boards[2].standings([0]) == [Standing(5, 1.5, wants_line=True, step=4)]
    boards[1].retire()
    assert boards[0].edges(10_000 + FRESH_MS) == []


def test_places_of_all_edges_are_summed_by_bucket_also_of_the_dead(path: Path) -> None:
    one, other = Board(path, 0, NOW_S), Board(path, 7, NOW_S)
    for board in (one, other):
        board.beat(1, Standing(0, 1.0, wants_line=True))
    for at_ms in (0, 50, 99, 100, 730):
        one.note_place(PLACE + at_ms)
    for at_ms in (120, 350):
        other.note_place(PLACE + at_ms)
    assert one.counts(FIRST, FIRST + 8) == [3, 2, 0, 1, 0, 0, 0, 1]
    other.note_place(PLACE + 60)
    assert one.counts(FIRST, FIRST + 8)[0] == 4, "somebody late in counting is counted"
    assert one.counts(FIRST + 3, FIRST + 8) == [1, 0, 0, 0, 1]
    assert one.totals() == Totals(places=8)


def test_ring_of_places_holds_no_old_lap(path: Path) -> None:
    board = Board(path, 0, NOW_S)
    board.beat(1, Standing(0, 1.0, wants_line=True))
    lap_ms = BUCKETS * BUCKET_MS
    for at_ms in (0, 100, 5_000):
        board.note_place(PLACE + at_ms)
    board.note_place(PLACE + lap_ms + 200)
    counts = board.counts(FIRST, FIRST + BUCKETS + 2)
    assert sum(counts) == 2, "the buckets that came round again are empty"
    assert counts[50] == 1
    board.note_place(PLACE)  # too long ago to be held
    assert sum(board.counts(FIRST, FIRST + BUCKETS + 2)) == 2


def test_ticket_is_used_once_whichever_edge_sees_it(path: Path) -> None:
    one, other = Board(path, 0, NOW_S), Board(path, 1, NOW_S)
    for board in (one, other):
        board.beat(1, Standing(0, 1.0, wants_line=True))
    serials = [one.next_serial() for _ in range(100)]
    assert len(set(serials)) == 100
    assert all(other.spend(0, serial) for serial in serials)
    assert not any(one.spend(0, serial) for serial in serials)
    assert one.spend(0, serials[0] + SPENT), "another one that lies in the same cell"


def test_edge_that_comes_back_goes_on_with_its_serials(path: Path) -> None:
    first = Board(path, 0, NOW_S)
    last = [first.next_serial() for _ in range(10)][-1]
    assert Board(path, 0, NOW_S + 5).next_serial() == last + 1
    elsewhere = Board(path.with_name("other.board"), 0, NOW_S + 60)
    assert elsewhere.next_serial() > last, "a board made anew does not give them out again"


def test_sheet_that_is_torn_is_the_sheet_before(path: Path) -> None:
    leader, reader = Board(path, 0, NOW_S), Board(path, 1, NOW_S)
    assert reader.sheet() == Sheet()
    first = Sheet(at_ms=1, line=True, serving_ms=PLACE)
    leader.write_sheet(first)
    assert reader.sheet() == first
    data = msgspec.msgpack.encode(Sheet(at_ms=2, line=True, serving_ms=PLACE + 1))
    for cut in range(len(data) - 1):  # a writer that has come so far
        leader._whole[_SHEET_AT + 8 : _SHEET_AT + 8 + cut] = data[:cut]
        assert reader.sheet() == first
    second = Sheet(at_ms=2, line=True, serving_ms=PLACE + 1)
    leader.write_sheet(second)
    assert reader.sheet() == second


def test_peak_is_the_most_of_two_minutes(path: Path) -> None:
    board = Board(path, 0, NOW_S)
    for second, listeners in ((1_000, 50), (1_001, 80), (1_001, 0), (1_050, 20)):
        board.note_listeners(second, listeners)
    assert board.peak(1_060) == 80
    assert board.peak(1_001 + PEAK_S) == 80
    assert board.peak(1_002 + PEAK_S) == 20
    assert Board(path, 3, NOW_S).peak(1_060) == 80, "it outlives the edge that noted it"


def _take_places(path: Path, index: int, count: int) -> None:
    board = Board(path, index, NOW_S)
    board.beat(1, Standing(0, 1.0, wants_line=True))
    for n in range(count):
        board.note_place(PLACE + n)
        board.write_sheet(Sheet(at_ms=n, serving_ms=PLACE + n, line=True))


def test_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    reader = Board(path, 9, NOW_S)
    context = multiprocessing.get_context("fork")
    writers = [
        context.Process(target=_take_places, args=(path, index, 3_000)) for index in range(3)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        sheet = reader.sheet()
        assert sheet.serving_ms in (0, PLACE + sheet.at_ms), "a sheet is one writer's, or none"
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert sum(reader.counts(FIRST, FIRST + 100)) == 9_000
    assert reader.totals().places == 9_000


def test_edge_without_a_file_is_alone_and_serves(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    board = Board(tmp_path / "file" / "door.board", 0, NOW_S)
    board.beat(5, Standing(1, 1.0, wants_line=False))
    board.note_place(PLACE)
    assert board.edges(6) == [0]
    assert board.counts(FIRST, FIRST) == [1]


def test_room_is_told_below_zero_too(tmp_path: Path) -> None:
    board = Board(tmp_path / "board", 0, 1)
    board.beat(1, Standing(5, 1.0, wants_line=True, room=-3, leaving_per_s=0.25))
    standing = board.standings([0])[0]
    assert (standing.room, standing.leaving_per_s) == (-3, 0.25)
    assert board.standings([1])[0].room == 0, "of an edge that never told"


def test_places_of_others_are_those_of_the_last_look(tmp_path: Path) -> None:
    mine, other = (Board(tmp_path / "board", index, 1) for index in (0, 1))
    for board in (mine, other):
        board.beat(1, Standing(0, 1.0, wants_line=True))
        board.note_place(1_000)
    assert mine.places() == 1
    mine.look_at_places()
    mine.note_place(1_000)
    assert mine.places() == 3
