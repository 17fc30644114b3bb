"""Orders as files: what counts is whole, and readers see each change."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from stentor.rooms.orders import Orders
from stentor.store.orders import OrdersFolder
from support.rooms import plain_room

ORDERS = plain_room().orders()


def later(revision: int) -> Orders:
    return msgspec.structs.replace(ORDERS, revision=revision)


def test_reader_sees_every_room_at_first_and_changes_after(tmp_path: Path) -> None:
    writer, reader = OrdersFolder(tmp_path), OrdersFolder(tmp_path)
    writer.write(ORDERS)
    assert reader.changes() == [ORDERS]
    assert reader.changes() == []
    for revision in range(2, 30):
        writer.write(later(revision))
        assert reader.changes() == [later(revision)]
    assert OrdersFolder(tmp_path).changes() == [later(29)]


def test_prepared_orders_do_not_count_until_published(tmp_path: Path) -> None:
    writer, reader = OrdersFolder(tmp_path), OrdersFolder(tmp_path)
    writer.prepare(ORDERS)
    assert reader.changes() == []
    assert writer.read(ORDERS.room) is None
    writer.publish(ORDERS.room)
    assert reader.changes() == [ORDERS]
    assert writer.read(ORDERS.room) == ORDERS
    writer.prepare(later(2))
    writer.discard(ORDERS.room)
    assert writer.read(ORDERS.room) == ORDERS
    with pytest.raises(FileNotFoundError):
        writer.publish(ORDERS.room)


def test_what_a_dead_writer_prepared_is_forgotten(tmp_path: Path) -> None:
    OrdersFolder(tmp_path).prepare(ORDERS)
    OrdersFolder(tmp_path).discard_all()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff", b"[]", b'{"room": 1}'])
def test_file_that_is_not_orders_is_named_and_skipped(tmp_path: Path, content: bytes) -> None:
    writer, reader = OrdersFolder(tmp_path), OrdersFolder(tmp_path)
    (tmp_path / "bad.json").write_bytes(content)
    writer.write(ORDERS)
    assert reader.changes() == [ORDERS]
    assert list(reader.unreadable) == ["bad.json"]
    assert writer.read("bad") is None


def test_change_that_cannot_be_read_yet_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = OrdersFolder(tmp_path), OrdersFolder(tmp_path)
    writer.write(ORDERS)
    assert reader.changes() == [ORDERS]

    def out_of_descriptors(*_: object) -> None:
        raise OSError(24, "Too many open files")

    writer.write(later(2))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", out_of_descriptors)
        for _ in range(10):
            assert reader.changes() == []
        assert "Too many" in reader.unreadable[f"{ORDERS.room}.json"]
        patch.setattr("stentor.store.orders.os.scandir", out_of_descriptors)
        for _ in range(10):
            with pytest.raises(OSError, match="Too many"):
                reader.changes()
    assert reader.changes() == [later(2)]
    assert reader.unreadable == {}


def test_orders_whose_file_is_deleted_stand_until_others_are_written(tmp_path: Path) -> None:
    writer, reader = OrdersFolder(tmp_path), OrdersFolder(tmp_path)
    (tmp_path / "bad.json").write_bytes(b"{")
    writer.write(ORDERS)
    assert reader.changes() == [ORDERS]
    (tmp_path / f"{ORDERS.room}.json").unlink()
    (tmp_path / "bad.json").unlink()
    assert reader.changes() == []
    assert reader.unreadable == {}
    writer.write(later(2))
    assert reader.changes() == [later(2)]
