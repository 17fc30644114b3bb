"""`stentor ledger`: what it says of a ledger, and with what it ends."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from typer.testing import CliRunner, Result

from stentor.base.errors import StentorError, UsageError
from stentor.cli import app
from stentor.cli.ledger_files import Files
from support.ledger import Writer, rotated

WRITER = Writer().whole(130, 60)
KEY = WRITER.chain.public_key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "00000001.jsonl").write_bytes(b"".join(WRITER.lines))
    heads = b"".join(msgspec.json.encode(head) + b"\n" for head in WRITER.heads)
    (tmp_path / "heads.jsonl").write_bytes(heads)
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["ledger", *map(str, arguments)])


def test_a_whole_ledger_is_said_to_be_whole(folder: Path) -> None:
    heads = folder / "heads.jsonl"
    done = run("verify", folder, "--key", KEY, "--head", heads)
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == (
        "Whole: 130 seconds, every record signed and in its place, as 4 kept heads say too."
    )
    assert "Mind:" not in done.output


def test_without_a_key_the_doubt_is_said(folder: Path) -> None:
    done = run("verify", folder / "00000001.jsonl")
    assert done.exit_code == 0
    assert "Mind: The key is the one that the files name" in done.output


def test_without_a_head_what_cannot_be_known_is_said_though_nothing_was_found(folder: Path) -> None:
    done = run("verify", folder, "--key", KEY)
    assert done.exit_code == 0
    assert "Mind: No kept head vouches for these files" in done.output
    last = len(WRITER.lines) - 1
    assert f"Mind: After record {last} of 00000001.jsonl something may have been" in done.output


def without_heads(folder: Path) -> Path:
    (folder / "heads.jsonl").unlink()
    return folder


def test_where_no_head_is_found_it_says_how_far_the_ledger_is_whole_and_what_to_do(
    folder: Path,
) -> None:
    done = run("verify", without_heads(folder), "--key", KEY)
    assert done.exit_code == 0
    whole, told = done.output.splitlines()[-2:]
    last = len(WRITER.lines) - 1
    assert whole.startswith(f"Whole as far as record {last} of 00000001.jsonl: 130 seconds, ")
    assert "cut off after that cannot be told without a head kept elsewhere." in told
    assert "`stentor ledger head`" in told
    assert "--head" in told
    assert "Local witness" not in done.output


def test_help_says_what_a_head_elsewhere_is_for() -> None:
    shown = " ".join(run("verify", "--help").output.replace("│", " ").split())
    assert "kept elsewhere" in shown
    assert "local witness" in shown


def test_heads_beside_a_whole_ledger_are_named_as_a_local_witness_and_take_no_doubt_away(
    folder: Path,
) -> None:
    for given in (folder, folder / "00000001.jsonl"):
        done = run("verify", given, "--key", KEY)
        assert done.exit_code == 0
        assert f"Local witness: 4 heads in {folder / 'heads.jsonl'}; who can" in done.output
        assert "Mind: No kept head vouches for these files" in done.output
        assert "cannot be told without a head kept elsewhere" in done.output


@pytest.mark.parametrize("name", ["", "00000001.jsonl"])
@pytest.mark.parametrize("heads", ["heads.jsonl", "old-heads.jsonl"])
def test_a_tail_that_was_cut_is_found_by_the_heads_beside_it(
    folder: Path, name: str, heads: str
) -> None:
    (folder / "heads.jsonl").rename(folder / heads)
    (folder / "00000001.jsonl").write_bytes(b"".join(WRITER.lines[:100]))
    done = run("verify", folder / name, "--key", KEY)
    assert isinstance(done.exception, StentorError)
    assert done.exception.exit_code == 1
    last = WRITER.heads[-1].size - 1
    found = f"00000001.jsonl: records 100 to {last} missing: a head in {folder / 'heads.jsonl'} has"
    assert found in done.output
    assert "Whole" not in done.output


def test_a_head_that_was_given_is_no_local_witness_too(folder: Path) -> None:
    done = run("verify", folder, "--key", KEY, "--head", folder / "heads.jsonl")
    assert "Local witness" not in done.output
    (folder / "00000001.jsonl").write_bytes(b"".join(WRITER.lines[:100]))
    told = json.loads(run("verify", folder, "--head", WRITER_HEAD, "--json").stdout)
    (found,) = told["findings"]  # once, though both witnesses tell
    assert "a head that was kept has them" in found["why"]
    assert [one["heads"] for one in told["beside"]] == [4]


WRITER_HEAD = msgspec.json.encode(WRITER.heads[-1]).decode()


def test_heads_beside_that_another_key_signed_are_told(folder: Path) -> None:
    others = Writer(2).whole(10).heads
    lines = b"".join(msgspec.json.encode(head) + b"\n" for head in others)
    (folder / "heads.jsonl").write_bytes(lines)
    done = run("verify", folder, "--key", KEY)
    assert done.exit_code == 0
    told = f"Mind: In {folder / 'heads.jsonl'} {len(others)} heads are not signed by the ledger's"
    assert told in done.output
    assert "Local witness" not in done.output


def test_heads_beside_that_cannot_be_read_are_told_and_the_others_hold(folder: Path) -> None:
    path = folder / "heads.jsonl"
    path.write_bytes(b"no head\n" + path.read_bytes())
    done = run("verify", folder, "--key", KEY)
    assert done.exit_code == 0
    assert f"Mind: In {path} 1 line is no head." in done.output
    assert f"Local witness: 4 heads in {path}" in done.output
    path.unlink()
    path.mkdir()
    done = run("verify", folder, "--key", KEY)
    assert done.exit_code == 0
    assert f"Mind: {path} cannot be read: is a directory." in done.output


def test_a_head_made_while_a_growing_file_is_read_does_not_make_it_look_cut(
    tmp_path: Path,
) -> None:
    """The file is a pipe: at the moment at which it is read, the newest heads come."""
    heads = tmp_path / "heads.jsonl"
    early, late = WRITER.heads[0], WRITER.heads[-1]
    heads.write_bytes(msgspec.json.encode(early) + b"\n")
    path = tmp_path / "00000001.jsonl"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb") as file:
            with heads.open("ab") as more:
                more.write(msgspec.json.encode(late) + b"\n")
            file.write(b"".join(WRITER.lines[: early.size + 2]))

    writer = Thread(target=write, daemon=True)
    writer.start()
    done = run("verify", path, "--key", KEY)
    writer.join(30)
    assert done.exit_code == 0
    assert "Local witness: 1 head in" in done.output


def test_a_file_that_is_begun_while_the_others_are_read_is_read_too(tmp_path: Path) -> None:
    """Of a ledger that is being written the last file may be rotated meanwhile."""
    first, second, third = ((f"0000000{n}.jsonl", one) for n, one in enumerate(rotated(1, 1, 1), 1))
    (tmp_path / first[0]).write_bytes(b"".join(first[1].lines))
    files = Files([tmp_path])
    for _ in range(2):  # a report goes through them twice
        names = []
        for name, _ in files:
            names.append(name)
            for later, one in (second, third):
                (tmp_path / later).write_bytes(b"".join(one.lines))
        assert names == [first[0], second[0], third[0]]
    assert [name for name, _ in Files([tmp_path / first[0]])] == [first[0]]


def test_a_last_file_that_was_taken_away_is_named(folder: Path) -> None:
    files = rotated(3, 4)
    (folder / "00000001.jsonl").write_bytes(b"".join(files[0].lines))
    done = run("verify", folder, "--key", KEY)
    assert isinstance(done.exception, StentorError)
    assert done.exception.exit_code == 1
    assert "the file after 00000001.jsonl: record 0 missing" in done.output


def test_a_tail_that_was_cut_is_named_with_a_head_typed_as_it_is_printed(folder: Path) -> None:
    path = folder / "00000001.jsonl"
    path.write_bytes(b"".join(WRITER.lines[:100]))
    head = msgspec.json.encode(WRITER.heads[-1]).decode()
    done = run("verify", path, "--head", head)
    assert isinstance(done.exception, StentorError)
    last = WRITER.heads[-1].size - 1
    assert f"00000001.jsonl: records 100 to {last} missing" in done.output


def test_json_tells_all_of_it(folder: Path) -> None:
    path = folder / "00000001.jsonl"
    path.write_bytes(b"".join([*WRITER.lines[:7], *WRITER.lines[9:]]))
    told = json.loads(run("verify", path, "--json").stdout)
    assert told["whole"] is False
    (found,) = told["findings"]
    assert (found["fault"], found["record"], found["to"]) == ("missing", 7, 8)


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "nowhere.jsonl"),
        ("verify", "."),
        ("verify", "00000001.jsonl", "--key", "short"),
        ("verify", "00000001.jsonl", "--head", "00000001.jsonl"),
        ("verify", "00000001.jsonl", "--head", '{"size": 3}'),
        ("head", "--data", "."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    empty = folder / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty if "." in arguments else folder)
    done = run(*arguments)
    assert isinstance(done.exception, UsageError)
    assert str(done.exception).endswith(".")


def test_a_report_too_refuses_what_is_no_key(folder: Path) -> None:
    done = CliRunner().invoke(app, ["report", "hall", "--ledger", str(folder), "--key", "short"])
    assert isinstance(done.exception, UsageError)
    assert "64 hexadecimal digits" in str(done.exception)


def test_the_key_is_that_of_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = run("key", "--data", data).stdout
    assert first == run("key", "--data", data).stdout
    assert len(first.strip()) == 64


def test_head_prints_the_newest(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "ledger").mkdir(parents=True)
    (folder / "heads.jsonl").rename(data / "ledger" / "heads.jsonl")
    printed = run("head", "--data", data).stdout
    assert msgspec.json.decode(printed, type=type(WRITER.heads[0])) == WRITER.heads[-1]
