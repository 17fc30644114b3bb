"""What is installed without a clone is the whole of it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from stentor.base.build import PACKAGE, digest_of

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what a wheel of this clone installs."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_a_wheel_carries_the_same_code_as_the_clone(installed: Path) -> None:
    assert digest_of(installed / "stentor") == digest_of(PACKAGE)


def test_named_scenarios_are_found_from_an_installed_wheel(installed: Path, tmp_path: Path) -> None:
    names = sorted(one.stem for one in (ROOT / "scenarios").glob("*.toml"))
    code = (
        "import sys, stentor\n"
        "from stentor.trials.scenarios import find_scenario\n"
        "print(stentor.__file__, *(find_scenario(one).name for one in sys.argv[1:]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, *names],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.stdout.split() == [str(installed / "stentor" / "__init__.py"), *names], (
        found.stderr
    )
