"""Deaths, deploys, clock jumps and plans: what tells our own doing from that of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stentor.base.paths import DataFolder
from stentor.evidence.records import Note
from stentor.rooms.orders import Orders
from stentor.store.orders import OrdersFolder
from stentor.watch.outside import PLANS_EVERY, ROOMS_MAX, Outside

NOW_MS = 1_700_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    one = DataFolder(tmp_path)
    one.run.mkdir()
    return one


def parts(folder: DataFolder, **facts: tuple[int, int]) -> None:
    told = {
        name.replace("_", "-"): {"pid": pid, "spare_pid": None, "restarts": restarts}
        for name, (pid, restarts) in facts.items()
    }
    folder.parts.write_text(json.dumps(told))


def test_deaths_deploys_and_new_parts_are_noted_once(folder: DataFolder) -> None:
    outside = Outside(folder)
    parts(folder, edge_0=(10, 0), stage=(11, 0))
    assert outside.notes(0) == ()
    parts(folder, edge_0=(20, 0), stage=(12, 1), edge_1=(13, 0))
    assert set(outside.notes(0)) == {
        Note("deploy", "edge-0"),
        Note("part-restarted", "stage"),
        Note("part-added", "edge-1"),
    }
    assert outside.notes(0) == ()
    folder.parts.write_text("half a fi")
    assert outside.notes(0) == ()


def test_a_clock_that_jumps_is_noted_and_one_that_drifts_is_not(folder: DataFolder) -> None:
    outside = Outside(folder)
    assert outside.notes(5_000_000_000) == ()
    assert outside.notes(5_100_000_000) == ()
    assert outside.notes(2_000_000_000) == (Note("clock-jumped", "by -3.100 s"),)


def test_plans_of_rooms_that_are_near_are_told_when_new_and_once_a_minute(
    folder: DataFolder,
) -> None:
    orders = OrdersFolder(folder.orders)
    orders.write(Orders("hall", 1, "Hall", NOW_MS - 1000))
    orders.write(Orders("later", 1, "Later", NOW_MS + 86_400_000))
    outside = Outside(folder)
    first = outside.rooms(NOW_MS)
    assert list(first) == ["hall"]
    assert (first["hall"].title, first["hall"].parts_recorded) == ("Hall", -1)
    assert outside.rooms(NOW_MS) == {}
    orders.write(Orders("hall", 2, "Great hall", NOW_MS - 1000, expected=50_000))
    great = outside.rooms(NOW_MS)["hall"]
    assert (great.title, great.expected) == ("Great hall", 50_000)
    told = [outside.rooms(NOW_MS) for _ in range(PLANS_EVERY)]
    assert sum(map(bool, told)) == 1


def test_the_shortest_recording_of_a_room_is_told(folder: DataFolder) -> None:
    OrdersFolder(folder.orders).write(Orders("hall", 1, "Hall", NOW_MS))
    for rendition, parts_recorded in (("opus24", 7), ("aac48", 5)):
        index = folder.recording_index("hall", rendition)
        index.parent.mkdir(parents=True, exist_ok=True)
        index.write_bytes(bytes(8 * parts_recorded))
    assert Outside(folder).rooms(NOW_MS)["hall"].parts_recorded == 5


def test_rooms_in_a_record_are_bounded_and_live_ones_come_first(folder: DataFolder) -> None:
    orders = OrdersFolder(folder.orders)
    for n in range(ROOMS_MAX + 5):
        epoch_ms = NOW_MS - 1 if n == ROOMS_MAX + 4 else NOW_MS + 1000 + n
        orders.write(Orders(f"r{n}", 1, "R", epoch_ms))
    told = Outside(folder).rooms(NOW_MS)
    assert len(told) == ROOMS_MAX
    assert f"r{ROOMS_MAX + 4}" in told


def test_settings_are_those_that_the_last_deploy_left(folder: DataFolder) -> None:
    outside = Outside(folder)
    outside.look_at_settings()
    assert outside.settings is None
    for left in ({"edge_lag_s": "9.0"}, {}):
        scratch = folder.deployed.with_suffix(".new")
        scratch.write_text(json.dumps(left))
        scratch.replace(folder.deployed)
        outside.look_at_settings()
        assert outside.settings == left
    scratch.write_text("half a fi")
    scratch.replace(folder.deployed)
    outside.look_at_settings()
    assert outside.settings == {}
