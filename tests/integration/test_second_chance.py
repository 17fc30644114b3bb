"""The second chance of tests in real time, in a pytest of its own: everything built anew, visibly.

A whole pytest is run here because hooks of three plugins must agree, which nothing smaller shows.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

FAILS_ONCE = """
import pathlib, time
import pytest

built, tries = [], []

@pytest.fixture(scope="session")
def wide():
    built.append("session")

@pytest.fixture(scope="module")
def shared(wide):
    built.append("module")
    yield built.count("module")
    built.append("ended")
    pathlib.Path("built").write_text(" ".join(built))

@pytest.fixture(scope="module")
def slow_to_come(shared):
    tries.append(shared)
    assert len(tries) == 2, "not there yet"
    yield tries
    pathlib.Path("tries").write_text("ended")

def test_of_a_shared_thing_that_the_first_run_hurt(shared):
    assert shared == 2, "hurt"
    assert built == ["session", "module", "ended", "session", "module"]

def test_that_comes_after_has_the_new_one(shared):
    assert shared == 2

def test_of_a_shared_thing_that_did_not_come_up(slow_to_come):
    assert slow_to_come == [2, 3]

@pytest.mark.timeout(0.3)
def test_that_hangs_twice_is_cut_off_twice():
    time.sleep(60)
"""

FAILS = """
def test_without_a_second_chance():
    raise AssertionError("once")
"""


@pytest.mark.parametrize("processes", [(), ("-n", "1")], ids=["here", "in another process"])
def test_tests_in_real_time_run_twice_with_everything_new_and_others_once(
    tmp_path: Path, processes: tuple[str, ...]
) -> None:
    for folder, source in (("integration", FAILS_ONCE), ("unit", FAILS)):
        path = tmp_path / "tests" / folder / "test_it.py"
        path.parent.mkdir(parents=True)
        path.write_text(source)
    options = ["-raR", "--rerun-show-tracebacks", "--import-mode=importlib", "-p"]
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *processes,
            *options,
            "support.second_chance",
            "--rootdir=.",
            ".",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    print(ran.stdout, ran.stderr)
    assert "2 failed, 3 passed, 3 rerun" in ran.stdout
    in_real_time = "tests/integration/test_it.py::test"
    assert f"RERUN {in_real_time}_of_a_shared_thing_that_the_first_run_hurt" in ran.stdout
    assert "AssertionError: hurt" in ran.stdout, "the first failure's traceback is shown"
    assert f"RERUN {in_real_time}_of_a_shared_thing_that_did_not_come_up" in ran.stdout
    assert f"RERUN {in_real_time}_that_hangs_twice" in ran.stdout
    assert f"FAILED {in_real_time}_that_hangs_twice" in ran.stdout
    assert "FAILED tests/unit/test_it.py" in ran.stdout
    assert "RERUN tests/unit" not in ran.stdout
    # Whatever was built was ended, once.
    twice = "session module ended session module ended session module ended"
    assert (tmp_path / "built").read_text() == twice
    assert (tmp_path / "tries").read_text() == "ended"
