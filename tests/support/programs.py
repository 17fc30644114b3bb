"""Marks for tests that need a program, root or an npm package, and where to find them.

    @needs_program("ffmpeg", "mpv")
    def test_...: ...

The test skips, and `pytest -ra` says why, where something is missing.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import imageio_ffmpeg
import pytest

NPM_FOLDER = Path(__file__).resolve().parents[1] / "npm" / "node_modules"

needs_root = pytest.mark.needs_root


def needs_program(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.needs_program(*names)


def program(name: str) -> str:
    """Return the full path of a program that `needs_program` has promised."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"not on this machine: {name} (as root, ./test installs it)")
    return path


def npm_file(path: str) -> Path:
    """Return a file of an npm package of tests/npm, as in `npm_file("hls.js/dist/hls.min.js")`."""
    file = NPM_FOLDER / path
    if not file.exists():
        pytest.skip(f"npm package missing: {path} (./test installs it where there is npm)")
    return file


def ffmpeg_with_whip() -> str:
    """Return the ffmpeg inside imageio-ffmpeg's wheel: Debian's has no `-f whip`."""
    executable: str = imageio_ffmpeg.get_ffmpeg_exe()
    return executable
