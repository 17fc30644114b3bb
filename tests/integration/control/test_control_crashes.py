"""kill -9 at any moment, a full disk, a damaged file: what was told to be done stays done."""

from __future__ import annotations

import contextlib
import resource
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from stentor.rooms.orders import decode_orders
from stentor.store.orders import OrdersFolder
from support.control import ControlProcess, controlling, link_of, token_of
from support.machine import Machine


def test_orders_are_as_acknowledged_after_any_kill(tmp_path: Path) -> None:
    with controlling(tmp_path) as control:
        room = control.create_room()
        ann = link_of(room, "speaker")["id"]
        acknowledged = [1]
        for _ in range(4):
            killer = threading.Timer(0.05, control.kill)
            killer.start()
            with contextlib.suppress(httpx.TransportError):
                for verb in ("mute", "unmute") * 500:
                    path = f"/api/rooms/{room['room']}/seats/{ann}/{verb}"
                    acknowledged.append(control.call("POST", path).json()["revision"])
            killer.join()
            before = control.orders(room["room"])
            assert before.revision >= acknowledged[-1]  # readers never see less than was told
            control.start()
            after = control.orders(room["room"])
            assert after.revision - acknowledged[-1] in (0, 1)
            shown = control.call("GET", f"/api/rooms/{room['room']}").json()
            assert shown["revision"] == after.revision
            muted = link_of(shown, "speaker")["muted"]
            assert after.seat(ann).muted == muted  # type: ignore[union-attr]
            assert not list(control.folder.orders.glob("*.new"))
        assert len(acknowledged) > 4


def test_orders_that_were_stored_but_not_written_are_written_at_the_next_start(
    tmp_path: Path,
) -> None:
    with controlling(tmp_path) as control:
        room = control.create_room()["room"]
        old = (control.folder.orders / f"{room}.json").read_bytes()
        control.call("POST", f"/api/rooms/{room}/start")
        other = control.create_room()["room"]
        control.kill()
        (control.folder.orders / f"{room}.json").write_bytes(old)  # as if the rename never came
        (control.folder.orders / f"{other}.json").unlink()
        reader = OrdersFolder(control.folder.orders)
        assert {orders.room for orders in reader.changes()} == {room}
        control.start()
        assert {orders.room for orders in reader.changes()} == {room, other}
        assert control.orders(room).revision == 2
        damaged = control.folder.orders / f"{room}.json"
        control.kill()
        damaged.write_bytes(b'{"room": ')
        control.start()
        assert control.orders(room).revision == 2


def test_start_without_changes_touches_no_orders(tmp_path: Path) -> None:
    with controlling(tmp_path) as control:
        room = control.create_room()["room"]
        path = control.folder.orders / f"{room}.json"
        before = path.stat()
        control.kill()
        control.start()
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (
            before.st_ino,
            before.st_mtime_ns,
        )


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_full_disk_refuses_clearly_and_does_nothing_by_half(tmp_path: Path) -> None:
    """No file of this control may grow over 300 kB, which is what a full disk is like."""
    with controlling(tmp_path, before_start=limit_file_size) as control:
        room = control.create_room(speakers=30)
        path = f"/api/rooms/{room['room']}"
        refusal: httpx.Response | None = None
        for number in range(400):
            before = control.orders(room["room"])
            pins = [
                {"title": "T" * 120, "url": f"https://example.org/{number}/{n}/{'x' * 1900}"}
                for n in range(12)
            ]
            answer = control.call("PATCH", path, {"title": f"Title {number}", "pinned": pins})
            if answer.status_code != 200:
                refusal = answer
                break
        assert refusal is not None
        assert refusal.status_code in (503, 507)
        assert refusal.json()["type"].rpartition(":")[2] in ("disk-full", "disk")
        assert control.orders(room["room"]) == before
        shown = control.call("GET", path).json()
        assert shown["revision"] == before.revision
        assert shown["title"] == before.title
        assert not list(control.folder.orders.glob("*.new"))
        assert control.call("GET", "/healthz").status_code == 200
        control.kill()
        control._before_start = None  # there is room again
        control.start()
        assert control.orders(room["room"]) == before
        assert control.call("PATCH", path, {"title": "Again"}).status_code == 200
        assert control.orders(room["room"]).title == "Again"


@pytest.mark.needs_root
def test_disk_that_is_really_full_is_507_and_control_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    try:
        with controlling(disk) as control:
            room = control.create_room(speakers=30)["room"]
            before = control.orders(room)
            filler = disk / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4_096)
            told = set()
            for number in range(60):
                answer = control.call("PATCH", f"/api/rooms/{room}", {"title": f"Title {number}"})
                if answer.status_code == 200:
                    before = control.orders(room)
                else:
                    told.add((answer.status_code, answer.json()["type"].rpartition(":")[2]))
                    assert control.orders(room) == before
            assert told == {(507, "disk-full")}
            tune = b"x" * 1_000_000
            answer = control.call("PUT", f"/api/rooms/{room}/hold", content=tune)
            assert answer.status_code == 507
            filler.unlink()
            answer = control.call("PATCH", f"/api/rooms/{room}", {"title": "Again"})
            assert answer.status_code == 200
            assert control.orders(room).title == "Again"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_orders_that_cannot_be_prepared_refuse_the_act(tmp_path: Path) -> None:
    with controlling(tmp_path) as control:
        room = control.create_room()["room"]
        in_the_way = control.folder.orders / f"{room}.new"
        in_the_way.mkdir()
        answer = control.call("POST", f"/api/rooms/{room}/start")
        assert answer.status_code == 503
        assert control.call("GET", f"/api/rooms/{room}").json()["revision"] == 1
        in_the_way.rmdir()
        assert control.call("POST", f"/api/rooms/{room}/start").status_code == 200


def test_orders_that_are_stored_and_cannot_be_put_in_place_follow_by_themselves(
    tmp_path: Path,
) -> None:
    with controlling(tmp_path) as control:
        room = control.create_room()["room"]
        orders = control.folder.orders / f"{room}.json"
        orders.rename(tmp_path / "aside")
        orders.mkdir()
        answer = control.call("POST", f"/api/rooms/{room}/start")
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:stentor:problem:stored-not-ordered"
        assert "stentor_control_orders_waiting 1.0" in control.client.get("/metrics").text
        orders.rmdir()
        deadline = time.monotonic() + 30
        while not orders.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert control.orders(room).revision == 2


def test_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with controlling(tmp_path / "first") as first:
        second = ControlProcess(tmp_path / "second", {"control_port": first.port})
        assert second.spawn().wait(60) == 3
        assert second.log().count("\n") == 1
        assert "address already in use" in second.log()
        assert str(first.port) in second.log()


@pytest.mark.parametrize("content", [b"not a database" * 100, b"\0" * 5_000])
def test_database_that_is_none_is_one_sentence_and_is_kept(tmp_path: Path, content: bytes) -> None:
    control = ControlProcess(tmp_path)
    control.folder.database.write_bytes(content)
    assert control.spawn().wait(60) == 3
    assert control.log().count("\n") == 1
    assert "stentor.db cannot be used" in control.log()
    assert control.folder.database.read_bytes() == content


def test_database_of_a_later_version_is_one_sentence(tmp_path: Path) -> None:
    with controlling(tmp_path) as control:
        control.create_room()
    with contextlib.closing(sqlite3.connect(control.folder.database)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    assert control.spawn().wait(60) == 3
    assert "another version of Stentor" in control.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_told_to_with_clients_connected(
    tmp_path: Path, machine: Machine, number: int
) -> None:
    with controlling(tmp_path) as control:
        room = control.create_room()
        control.call("GET", "/api/me", token=token_of(room, "host"))
        began = time.monotonic()
        assert control.stop(number) == 0
        assert time.monotonic() - began < 8 + machine.held_up_s()
        assert "Traceback" not in control.log()
        assert decode_orders((control.folder.orders / f"{room['room']}.json").read_bytes())


def test_room_that_runs_for_too_long_is_ended(tmp_path: Path) -> None:
    with controlling(tmp_path, {"room_duration_max_s": 60}) as control:
        room = control.create_room(at="now")["room"]
        control.kill()
        with contextlib.closing(sqlite3.connect(control.folder.database)) as database:
            database.execute("UPDATE rooms SET epoch_ms = epoch_ms - 120000")
            database.commit()
        control.start()
        deadline = time.monotonic() + 30
        while control.orders(room).end_ms is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
