"""A second of the watch: what edges told is decided on, written down and shown, and once only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from stentor.evidence.chain import Body, take_apart
from stentor.evidence.records import Second
from stentor.evidence.verify import verify
from stentor.rooms.orders import Orders
from stentor.shield.policy import decode_policy
from stentor.store.orders import OrdersFolder
from stentor.watch.now import now_document
from support.ledger import ledger_files
from support.watch import BAD, Watch, edge_second, flooded


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    one = Watch(tmp_path)
    yield one
    one.close()


def recorded(watch: Watch) -> list[Second]:
    watch.close()
    lines = b"".join(data for _, data in ledger_files(watch.folder.ledger)).split(b"\n")[:-1]
    seconds = []
    for line in lines:
        parts = take_apart(line)
        assert parts is not None
        body = msgspec.json.decode(parts.body, type=Body)
        if body.second is not None:
            seconds.append(body.second)
    return seconds


def shown(watch: Watch) -> dict[str, object]:
    document = now_document(watch.watching, watch.page.settings, watch.page.now_ms, 0)
    result: dict[str, object] = msgspec.json.decode(msgspec.json.encode(document))
    return result


def test_what_edges_told_is_in_the_ledger_as_they_told_it(watch: Watch) -> None:
    told = [edge_second("edge-0", 1), edge_second("edge-1", 2)]
    watch.second(*told)
    watch.second()
    first, second = recorded(watch)
    assert first.edges == tuple(told)
    assert (second.edges, second.missing) == ((), ())
    assert verify(ledger_files(watch.folder.ledger), watch.ledger.key).whole


def test_a_ban_reaches_edges_ledger_and_page_in_the_same_second(watch: Watch) -> None:
    for told in (edge_second(), flooded(), flooded()):
        watch.second(told)
    (ban,) = decode_policy(watch.folder.policy.read_bytes()).bans
    document = shown(watch)
    assert [one["network"] for one in document["shield"]["bans"]] == [BAD]
    new = [one.policy for one in recorded(watch) if one.policy is not None]
    assert [ban.network for ban in new[-1].bans] == [ban.network] == [BAD]
    assert len(new) == 2  # the first, and that with the ban


def test_a_pardon_is_a_note_in_the_ledger_and_on_the_page(watch: Watch) -> None:
    for _ in range(3):
        watch.second(flooded())
    assert watch.watching.deciding.pardon(BAD, watch.page.now_ms)
    watch.second(edge_second())
    assert shown(watch)["notes"][0]["what"] == "undo-ban"
    last = recorded(watch)[-1]
    assert [(note.what, note.about) for note in last.notes] == [("undo-ban", BAD)]
    assert last.policy is not None
    assert last.policy.bans == ()


def test_an_edge_that_is_silent_is_missing_in_ledger_and_page(watch: Watch) -> None:
    watch.second(edge_second("edge-0"), edge_second("edge-1"))
    for _ in range(3):
        watch.second(edge_second("edge-0"))
    document = shown(watch)
    assert document["missing"] == ["edge-1"]
    assert document["points"][-1]["listeners"] == 100
    assert [one.missing for one in recorded(watch)] == [(), (), (), ("edge-1",)]


def test_an_edge_whose_second_is_a_moment_late_keeps_its_listeners(watch: Watch) -> None:
    watch.second(edge_second("edge-0"), edge_second("edge-1"))
    watch.second(edge_second("edge-0"))
    watch.second(edge_second("edge-0"), edge_second("edge-1"), edge_second("edge-1"))
    listeners = [point["listeners"] for point in shown(watch)["points"]]
    assert listeners == [200, 200, 200]


def test_seconds_that_waited_while_the_watch_was_held_up_are_each_recorded(watch: Watch) -> None:
    start_ms = watch.page.now_ms
    watch.clock.advance(4)
    told = [edge_second("edge-0", start_ms + 1000 * n) for n in range(1, 6)]
    watch.second(*told)
    seconds = recorded(watch)
    assert [one.edges[0].at_ms for one in seconds] == [start_ms + 1000 * n for n in range(1, 5)]
    times = [one.at_ms for one in seconds]
    assert times == sorted(set(times))
    assert times[-1] == start_ms + 5000


def test_rooms_and_the_clock_are_in_the_record(watch: Watch) -> None:
    OrdersFolder(watch.folder.orders).write(Orders("hall", 1, "Hall", watch.page.now_ms))
    watch.second(edge_second())
    watch.second(edge_second(), offset_ns=4_000_000_000)
    assert shown(watch)["rooms"][0]["title"] == "Hall"
    first, second = recorded(watch)
    assert first.rooms["hall"].title == "Hall"
    assert [note.what for note in second.notes] == ["clock-jumped"]


def test_a_mistake_of_ours_costs_a_second_and_not_the_watch(watch: Watch) -> None:
    watch.second(edge_second())
    deciding = watch.watching.deciding
    watch.watching.deciding = None  # type: ignore[assignment]
    watch.second(edge_second())
    watch.watching.deciding = deciding
    watch.second(edge_second())
    assert len(recorded(watch)) == 2


def test_points_are_those_of_ten_minutes_and_the_page_asks_for_new_ones_only(
    watch: Watch,
) -> None:
    for _ in range(610):
        watch.second(edge_second())
    points = shown(watch)["points"]
    assert len(points) == 600
    newer = now_document(watch.watching, watch.page.settings, 0, points[-3]["at_ms"])["points"]
    assert [one.at_ms for one in newer] == [one["at_ms"] for one in points[-2:]]
