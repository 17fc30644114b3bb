"""Rooms come out of the database as they went in, or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from stentor.base.errors import ConfigurationError
from stentor.rooms import acts
from stentor.rooms.acts import Actor, AnyAct, Refusal
from stentor.rooms.changes import apply
from stentor.rooms.orders import Role
from stentor.store.database import StorageFailed, StorageFull, open_database, storage_error
from stentor.store.rooms import RoomStore
from stentor.store.schema import METADATA
from support.rooms import HOST, NOW_MS, OPERATOR, all_acts, plain_room


@pytest.fixture
def store(tmp_path: Path) -> RoomStore:
    return RoomStore(open_database(tmp_path / "stentor.db"))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(all_acts, max_size=15))
def test_room_comes_out_as_it_went_in(store: RoomStore, wanted: list[AnyAct]) -> None:
    room = plain_room()
    store.save(room, [acts.Create()], OPERATOR, NOW_MS)
    for act in wanted:
        changed = apply(room, act, OPERATOR, NOW_MS)
        if not isinstance(changed, Refusal) and changed is not room:
            room = changed
            store.save(room, [act], OPERATOR, NOW_MS)
    assert store.load_all() == [room]


def test_rooms_are_there_after_closing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "stentor.db"
    store = RoomStore(open_database(path))
    store.save(plain_room(), [acts.Create()], OPERATOR, NOW_MS)
    store.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert RoomStore(open_database(path)).load_all() == [plain_room()]


def test_log_says_who_did_what_and_when(store: RoomStore) -> None:
    room = plain_room()
    store.save(room, [acts.Create()], OPERATOR, NOW_MS)
    muted = apply(room, acts.Mute("ann"), HOST, NOW_MS)
    assert not isinstance(muted, Refusal)
    store.save(muted, [acts.Mute("ann"), acts.Rename("X")], HOST, NOW_MS + 5)
    log = store.acts_of(room.id)
    assert [line.act["type"] for line in log] == ["create", "mute", "rename"]
    assert (log[1].role, log[1].seat, log[1].at_ms) == ("host", "host", NOW_MS + 5)
    assert log[1].act["seat"] == "ann"
    assert [line.act["type"] for line in store.acts_of(room.id, 2)] == ["mute", "rename"]
    assert store.acts_of("other") == []


def test_full_disk_stores_nothing_and_says_so(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "stentor.db")
    store = RoomStore(engine)
    room = plain_room()
    store.save(room, [acts.Create()], OPERATOR, NOW_MS)
    with engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    kept = room

    def fill() -> None:
        nonlocal kept
        for number in range(200):
            changed = apply(kept, acts.Rename(f"{number}" * 30), OPERATOR, NOW_MS)
            assert not isinstance(changed, Refusal)
            store.save(changed, [acts.Rename("x" * 120)] * 50, OPERATOR, NOW_MS)
            kept = changed

    with pytest.raises(StorageFull, match="no room left"):
        fill()
    assert store.load_all() == [kept]
    with engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 1000000"))
    changed = apply(kept, acts.Rename("Again"), Actor(Role.OPERATOR), NOW_MS)
    assert not isinstance(changed, Refusal)
    store.save(changed, [acts.Rename("Again")], OPERATOR, NOW_MS)
    assert store.load_all() == [changed]


def test_database_that_somebody_else_holds_is_a_storage_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stentor.store.database.BUSY_MS", 50)
    store = RoomStore(open_database(tmp_path / "stentor.db"))
    other = sqlite3.connect(tmp_path / "stentor.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageFailed, match="locked"):
        store.save(plain_room(), [acts.Create()], OPERATOR, NOW_MS)
    other.execute("ROLLBACK")
    store.save(plain_room(), [acts.Create()], OPERATOR, NOW_MS)
    other.close()


def test_what_is_acknowledged_is_synced(store: RoomStore) -> None:
    with store._engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_migrations_lead_to_the_tables_that_the_program_uses(tmp_path: Path) -> None:
    with open_database(tmp_path / "stentor.db").connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, METADATA) == []


def test_migration_that_fails_leaves_nothing_half_made(tmp_path: Path) -> None:
    path = tmp_path / "stentor.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE acts (id INTEGER)")  # in the way of the last table
    other.close()
    with pytest.raises(ConfigurationError):
        open_database(path)
    with sqlite3.connect(path) as other:
        tables = other.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    other.close()
    assert {name for (name,) in tables} <= {"acts", "alembic_version"}


@pytest.mark.parametrize(
    ("number", "kind"), [(28, StorageFull), (122, StorageFull), (5, StorageFailed)]
)
def test_errors_of_the_disk_are_told_apart(number: int, kind: type[Exception]) -> None:
    assert isinstance(storage_error(OSError(number, "x")), kind)
