"""`stentor certificate`: what it says of one, offline, and with what it ends."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from stentor.base.errors import StentorError, UsageError
from stentor.cli import app
from stentor.rehearsal.certified import certificate_of
from stentor.rehearsal.judge import make_answer
from stentor.rehearsal.plan import make_plan, planned_fleet
from stentor.simulate.fleet.reading import read
from stentor.simulate.fleet.run import simulate
from support import rehearsed
from support.rehearsed import KEY, MEASURED, PUBLIC_KEY, RUN, SCENARIO


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["certificate", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "certificate.json").write_bytes(rehearsed.certificate())
    for name, data in rehearsed.files().items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_whole_certificate_says_what_is_proved_and_what_is_not(folder: Path) -> None:
    file = folder / "certificate.json"
    done = run("verify", file, "--key", PUBLIC_KEY, "--folder", folder)
    assert done.exit_code == 0
    first, *rest = done.output.splitlines()
    assert first == "Tested here with 2,000 real listeners on 2 cores; simulated with 8,000,000."
    proved, not_proved = "\n".join(rest).split("Not proved:")
    assert PUBLIC_KEY in proved
    assert "Unchanged beside it: answer.json, trials.jsonl." in proved
    assert "a signature shows who says something" in not_proved
    assert "none was there" in not_proved
    assert "Whose key" not in not_proved


def test_without_key_or_folder_that_is_said(folder: Path) -> None:
    done = run("verify", folder / "certificate.json")
    assert done.exit_code == 0
    assert "Whose key that is" in done.output
    assert "they were not given (--folder)" in done.output


def test_what_was_changed_is_not_to_be_relied_on(folder: Path) -> None:
    file = folder / "certificate.json"
    (folder / "answer.json").write_bytes(b"{}")
    done = run("verify", file, "--folder", folder)
    assert isinstance(done.exception, StentorError)
    assert done.exception.exit_code == 1
    assert "answer.json is not the file that was signed" in str(done.exception)
    assert "Tested" not in done.output

    file.write_bytes(file.read_bytes().replace(b"8000000", b"9000000"))
    for command in ("verify", "show"):
        done = run(command, file)
        assert "changed after it was signed" in str(done.exception)
        assert "Tested" not in done.output
    told = json.loads(run("verify", file, "--json").stdout)
    assert (told["whole"], len(told["faults"])) == (False, 2)


def test_whatever_a_stranger_signed_cannot_move_the_cursor(tmp_path: Path) -> None:
    odd = "\x1b[2J\x1b[HProved: everything\r\n"
    machine = msgspec.structs.replace(RUN.machine, cpu=odd)
    found = msgspec.structs.replace(RUN, machine=machine)
    file = tmp_path / "certificate.json"
    file.write_bytes(rehearsed.certificate(run=found, also={odd: b"s"}))
    (tmp_path / odd.replace("/", "")).write_bytes(b"s")
    for name, data in rehearsed.files().items():
        (tmp_path / name).write_bytes(data)
    for done in (run("show", file), run("verify", file, "--folder", tmp_path)):
        assert done.exit_code == 0
        assert "[2J" in done.output
        assert not {"\x1b", "\r"} & set(done.output)
        assert not [line for line in done.output.splitlines() if line.startswith("Proved: every")]
    (tmp_path / odd).unlink()
    fault = str(run("verify", file, "--folder", tmp_path).exception)
    assert "is missing beside it" in fault
    assert fault.isprintable()


def test_names_in_a_certificate_lead_nowhere_but_into_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "in").mkdir()
    file = tmp_path / "certificate.json"
    data = rehearsed.certificate(also={"../secret": b"s"})
    file.write_bytes(data)
    for name, content in rehearsed.files().items():
        (tmp_path / "in" / name).write_bytes(content)
    done = run("verify", file, "--folder", tmp_path / "in")
    assert "../secret is missing beside it" in str(done.exception)


def test_show_gives_each_claim_its_label(folder: Path) -> None:
    done = run("show", folder / "certificate.json")
    assert done.exit_code == 0
    labels = [line.split()[0] for line in done.output.splitlines() if line]
    assert labels.count("measured") == 3
    assert labels.count("simulated") == labels.count("extrapolated") == 1
    assert labels.count("assumed") == 4
    assert "small, SHA-256" in done.output
    assert "edges=4" in done.output


def test_simulating_again_shows_whether_the_same_is_found(tmp_path: Path) -> None:
    small = read(SCENARIO)
    plan = make_plan(small, MEASURED)
    course = simulate(small, planned_fleet(small, plan), MEASURED, 7)
    asked = msgspec.structs.replace(RUN, listeners=None)
    files = rehearsed.files()
    file = tmp_path / "certificate.json"
    file.write_bytes(certificate_of(asked, make_answer(course, plan), course, files, KEY))
    assert "to the last bit" in run("verify", file, "--again").output
    other = msgspec.structs.replace(asked, seed=8)
    file.write_bytes(certificate_of(other, make_answer(course, plan), course, files, KEY))
    assert "something else was found" in str(run("verify", file, "--again").exception)


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "nowhere.json"),
        ("verify", __file__, "--key", "abc"),
        ("verify", __file__, "--folder", "nowhere"),
        ("show", "nowhere.json"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(arguments: tuple[str, ...]) -> None:
    assert isinstance(run(*arguments).exception, UsageError)


def test_what_is_no_certificate_is_said_to_be_none(tmp_path: Path) -> None:
    for content in (b"", b"{}", b"\xff\xfe", b"[" * 100_000, b"0" * (5 << 20)):
        file = tmp_path / "certificate.json"
        file.write_bytes(content)
        for command in ("verify", "show"):
            assert isinstance(run(command, file).exception, StentorError)


def test_the_key_is_made_once_and_is_not_the_ledgers(tmp_path: Path) -> None:
    key = run("key", "--data", tmp_path).output.strip()
    assert len(key) == 64
    assert run("key", "--data", tmp_path).output.strip() == key
    ledgers = CliRunner().invoke(app, ["ledger", "key", "--data", str(tmp_path)]).output.strip()
    assert key != ledgers
