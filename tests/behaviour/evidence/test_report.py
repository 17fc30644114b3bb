"""A report comes from the ledger's bytes alone: the same for everybody, and loud about changes."""

import builtins
import hashlib
import math
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.base.build import read_build
from stentor.base.errors import UsageError
from stentor.cli.ledger_files import Files
from stentor.evidence.chain import Chain, Payload, leaf_hash, read_body, take_apart
from stentor.evidence.records import Closing, Note, Opening, RoomPlan, Second
from stentor.evidence.report import make_report
from stentor.evidence.sources import Code
from stentor.evidence.words import Told, Word
from stentor.simulate.attackers import Family
from stentor.simulate.draw import SMALL, Kind, draw
from stentor.simulate.evening import Evening
from stentor.simulate.events import EPOCH_MS, Event
from stentor.simulate.machine import ROOM

CODE = Code("test", "ab" * 32, "3.11")
_COMMAND = "import sys; from stentor.cli import main; sys.argv[0] = 'stentor'; main()"


def _ledger(event: Event) -> bytes:
    """Return the file that a watch would have written of that evening."""
    chain = Chain(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    opening = Opening(1, "test", {}, "", chain.public_key, "0" * 64, EPOCH_MS)
    seconds = Evening(event).run().seconds
    payloads: list[Payload] = [opening, *seconds, Closing(seconds[-1].at_ms, "stopped")]
    lines = []
    for one in payloads:
        lines.append(chain.line(one))
        chain.commit()
    return b"".join(lines)


def _chain_of(data: bytes) -> Chain:
    """Return the writer of a ledger as it was after its last line."""
    chain = Chain(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    for line in data.splitlines():
        parts = take_apart(line)
        assert parts is not None
        chain.tree.add(leaf_hash(parts.body))
        chain.last = parts.hash
        chain.ledger = chain.ledger or parts.hash
    return chain


def _titled(data: bytes, title: str) -> bytes:
    """Return the ledger as if the room had had that title."""
    chain, lines = Chain(Ed25519PrivateKey.from_private_bytes(bytes(32))), []
    for line in data.splitlines():
        parts = take_apart(line)
        assert parts is not None
        body = read_body(parts.body)
        assert body is not None
        said = body.payload
        assert said is not None
        if isinstance(said, Second) and said.rooms:
            rooms = {
                room: msgspec.structs.replace(plan, title=title)
                for room, plan in said.rooms.items()
            }
            said = msgspec.structs.replace(said, rooms=rooms)
        lines.append(chain.line(said))
        chain.commit()
    return b"".join(lines)


@pytest.fixture(scope="module")
def attacked() -> bytes:
    return _ledger(draw(Kind.ATTACK, 4, 7, family=Family.FORGERY, sizes=SMALL))


@pytest.fixture(scope="module")
def crowded() -> bytes:
    return _ledger(draw(Kind.CROWD, 1, 7, sizes=SMALL))


# What must not matter: the order of hashes, the locale, the terminal's encoding, the time zone.
SURROUNDINGS: list[dict[str, str]] = [
    {"PYTHONHASHSEED": "1", "PYTHONUTF8": "1", "TZ": "UTC", "COLUMNS": "200"},
    {"PYTHONHASHSEED": "2", "PYTHONUTF8": "0", "TZ": "Pacific/Auckland", "LC_ALL": "C",
     "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "latin-1", "COLUMNS": "40"},
]  # fmt: skip


def _report(surroundings: dict[str, str], *arguments: object) -> bytes:
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LC_", "LANG", "PYTHON", "STENTOR_"))
    }
    return subprocess.check_output(
        [sys.executable, "-c", _COMMAND, "report", ROOM, *map(str, arguments)],
        env={**plain, **surroundings},
    )


def test_strangers_with_the_same_files_get_the_same_bytes(attacked: bytes, tmp_path: Path) -> None:
    attacked = _titled(attacked, "Ŝtentoro – 会話")
    file, heads = tmp_path / "00000001.jsonl", tmp_path / "heads.jsonl"
    file.write_bytes(attacked)
    head = _chain_of(attacked).head(EPOCH_MS)
    heads.write_bytes(msgspec.json.encode(head) + b"\n")
    made = []
    for n, around in enumerate(SURROUNDINGS):
        page = tmp_path / f"{n}.html"
        given = ["--ledger", file, "--key", head.key, "--head", heads, "--out", page]
        told = _report(around, *given, "--json")
        written = page.read_bytes()
        page.unlink()
        words = _report(around, *given)  # words are for people: shown as far as they can be
        assert words.count(b"\n") == _report(SURROUNDINGS[0], *given).count(b"\n")
        assert page.read_bytes() == written
        made.append((told, written))
    assert made[0] == made[1]
    told, written = made[0]
    assert "Ŝtentoro – 会話".encode() in told
    assert "Ŝtentoro – 会話".encode() in written
    assert b"<svg" in written
    # Both name what they were made from, and the page how to make it again.
    code = msgspec.json.decode(told)["code"]
    assert code["digest"] == read_build().digest
    sources = msgspec.json.decode(told)["sources"]
    assert sources["key"] == head.key
    heads_sha256 = hashlib.sha256(heads.read_bytes()).hexdigest()
    assert sources["heads"] == {"count": 1, "sha256": heads_sha256}
    page_text = written.decode()
    for named in (code["digest"], heads_sha256, f"--key {head.key} --head HEADS"):
        assert named in page_text
    assert page_text.count("--head HEADS") == 2, "of verifying and of the report"


def test_report_is_the_same_by_pythons_that_sum_more_exactly(
    attacked: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 3.12 on `sum` compensates what adding floats loses."""

    def exact(ones: Iterable[float], start: float = 0, /) -> float:
        every = list(ones)
        is_float = any(isinstance(one, float) for one in every)
        return math.fsum([start, *every]) if is_float else plain(every, start)

    plain = builtins.sum
    here = make_report(ROOM, [("a", attacked)], CODE)
    monkeypatch.setattr(builtins, "sum", exact)
    assert make_report(ROOM, [("a", attacked)], CODE) == here


def test_page_repeats_only_the_options_that_were_given(crowded: bytes) -> None:
    key = _chain_of(crowded).public_key
    _, plain = make_report(ROOM, [("a", crowded)], CODE)
    assert "--key" not in plain
    assert "--head" not in plain
    _, keyed = make_report(ROOM, [("a", crowded)], CODE, key)
    assert f"stentor report {ROOM} --ledger FILE… --key {key}</code>" in keyed
    assert keyed != plain
    assert CODE.digest in keyed


def test_version_says_which_code_it_is() -> None:
    said = subprocess.check_output([sys.executable, "-m", "stentor", "--version"], text=True)
    assert said.splitlines()[1] == f"code {read_build().digest}"


def test_attack_with_forged_tickets_is_told_and_a_crowd_is_not_called_one(
    attacked: bytes, crowded: bytes
) -> None:
    attack, page = make_report(ROOM, [("a", attacked)], CODE)
    assert attack.verdict.answers[0].told is Told.YES
    assert attack.verdict.word in (Word.ATTACK, Word.WITHSTOOD, Word.BOTH)
    assert "It cannot say who sent it" in page
    assert "Every setting was as it comes." in page
    crowd, _ = make_report(ROOM, [("a", crowded)], CODE)
    assert crowd.verdict.answers[0].told is not Told.YES


def test_page_of_a_changed_ledger_says_so_first_and_names_the_record(attacked: bytes) -> None:
    at = attacked.rindex(b'"listeners":')
    changed = attacked[:at] + b'"listeners":1' + attacked[at + len(b'"listeners":') :]
    report, page = make_report(ROOM, [("a", changed)], CODE)
    assert not report.ledger.whole
    assert page.index("This ledger is not whole") < page.index("Did we keep")
    assert f"record {report.ledger.findings[0].record}" in page
    assert report.promises[-1].kept == "no"


def test_room_that_the_ledger_does_not_know_is_answered_with_those_it_does(attacked: bytes) -> None:
    with pytest.raises(UsageError, match=f"it tells of {ROOM}"):
        make_report("elsewhere", [("a", attacked)], CODE)


def _lines_of(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def test_record_that_nobody_signed_is_no_part_of_the_report(crowded: bytes) -> None:
    """Its hash anybody can compute; only the key's owner can sign it."""
    lines = _lines_of(crowded)
    parts = take_apart(lines[3][:-1])
    assert parts is not None
    body = read_body(parts.body)
    assert body is not None
    assert body.second is not None
    lies = msgspec.structs.replace(
        body.second, rooms={ROOM: RoomPlan("Not the title", EPOCH_MS - 86_400_000)}
    )
    forger = Chain(Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32))
    forger.tree.size, forger.last = body.n, body.prev
    late = msgspec.structs.replace(lies, at_ms=1 << 42)
    between = msgspec.structs.replace(body.second, at_ms=body.second.at_ms + 500)
    for false in (lies, late, between):
        put_in = b"".join([*lines[:3], forger.line(false), *lines[3:]])
        report, _ = make_report(ROOM, [("a", put_in)], CODE)
        honest, _ = make_report(ROOM, [("a", crowded)], CODE)
        assert not report.ledger.whole
        assert (report.title, report.epoch_ms) == (honest.title, honest.epoch_ms)
        assert (report.from_ms, report.until_ms) == (honest.from_ms, honest.until_ms)
        assert report.seconds == honest.seconds
        assert report.verdict == honest.verdict


def _file(settings: dict[str, str], *times_ms: int, notes: tuple[Note, ...] = ()) -> bytes:
    """Return a file of a ledger that tells of a room at these times."""
    chain = Chain(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    payloads: list[Payload] = [
        Opening(1, "test", settings, "", chain.public_key, "0" * 64, times_ms[0]),
        *(Second(at_ms, rooms={ROOM: RoomPlan("", EPOCH_MS)}, notes=notes) for at_ms in times_ms),
    ]
    lines = []
    for one in payloads:
        lines.append(chain.line(one))
        chain.commit()
    return b"".join(lines)


def test_what_a_deploy_changed_is_told_with_its_time_and_nothing_else_twice() -> None:
    before = _file({"edges": "3", "edge_lag_s": "9.0"}, EPOCH_MS)
    after = _file({"edges": "3"}, EPOCH_MS + 60_000)
    _, page = make_report(ROOM, [("1", before), ("2", after)], CODE)
    table = page.partition("How it was set up")[2].partition("</table>")[0]
    assert table.count("edges") == 1
    assert table.count("edge_lag_s") == 2
    assert table.index("9.0") < table.index("as it comes")


def test_page_says_what_operators_did_and_names_no_network() -> None:
    network = "5f1c9a77d02b4e66"
    done = (
        Note("undo-ban", network),
        Note("shield-paused", "600 s"),
        Note("part-restarted", "edge-1"),
        Note("something-new", "as it was noted"),
    )
    data = _file({}, EPOCH_MS, EPOCH_MS + 1000, notes=done)
    _, page = make_report(ROOM, [("1", data)], CODE)
    told = page.partition("What was done")[2].partition("</table>")[0]
    assert "An operator lifted the ban of a network" in told
    assert "undo-ban" not in page
    assert network not in page
    for shown in ("paused the shield", "600 s", "edge-1", "something-new", "as it was noted"):
        assert shown in told


def test_evening_begins_an_hour_before_the_hour() -> None:
    hours = [EPOCH_MS + minutes * 60_000 for minutes in (-120, -61, -60, 0, 30)]
    report, _ = make_report(ROOM, [("1", _file({}, *hours))], CODE)
    assert (report.from_ms, report.until_ms, report.seconds) == (hours[2], hours[4], 3)


def test_settings_of_a_file_that_has_lost_its_first_record_are_not_made_up(crowded: bytes) -> None:
    key = Chain(Ed25519PrivateKey.from_private_bytes(bytes(32))).public_key
    beheaded = b"".join(_lines_of(crowded)[1:])
    report, page = make_report(ROOM, [("a", beheaded)], CODE, key)
    assert report.ledger.files[0].settings is None
    assert "as it comes" not in page
    assert "not told: a has lost its first record" in page


def test_report_is_the_same_in_whatever_order_the_files_are_named(
    crowded: bytes, tmp_path: Path
) -> None:
    lines = _lines_of(crowded)
    half = len(lines) // 2
    for name, part in (("1", lines[:half]), ("2", [lines[0], *lines[half:]])):
        (tmp_path / f"0000000{name}.jsonl").write_bytes(b"".join(part))
    files = Files([tmp_path])
    assert [name for name, _ in files] == ["00000001.jsonl", "00000002.jsonl"]
    turned = Files([tmp_path / "00000002.jsonl", tmp_path / "00000001.jsonl"])
    assert make_report(ROOM, files, CODE) == make_report(ROOM, turned, CODE)


def test_title_of_a_strangers_ledger_moves_nothing_on_the_terminal_or_the_page(
    tmp_path: Path,
) -> None:
    chain = Chain(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    plan = RoomPlan("\x1b]0;owned\x07<script>alert(1)</script>\x1b[2J", EPOCH_MS)
    payloads: list[Payload] = [
        Opening(1, "test", {"<b>": "<i>"}, "", chain.public_key, "0" * 64, EPOCH_MS),
        *(Second(EPOCH_MS + 1000 * n, rooms={ROOM: plan}) for n in range(5)),
    ]
    file, page = tmp_path / "00000001.jsonl", tmp_path / "page.html"
    with file.open("wb") as written:
        for one in payloads:
            written.write(chain.line(one))
            chain.commit()
    arguments = ["report", ROOM, "--ledger", str(file), "--out", str(page)]
    told = subprocess.check_output([sys.executable, "-c", _COMMAND, *arguments])
    assert b"owned" in told
    assert b"\x1b" not in told
    assert b"\x07" not in told
    text = page.read_text()
    assert "&lt;script&gt;" in text
    assert "&lt;b&gt;" in text
    assert "<script" not in text
    assert "<i>" not in text
