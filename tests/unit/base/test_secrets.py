"""Secrets are made once, by whoever is first, and only their owner can read them."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stentor.base.errors import ConfigurationError
from stentor.base.paths import DataFolder
from stentor.base.secrets import link_key, load_or_make_key, operator_token


def test_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    key = link_key(folder)
    path = folder.secrets / "link.key"
    assert link_key(folder) == key
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.secrets.stat().st_mode & 0o777 == 0o700
    assert sorted(entry.name for entry in folder.secrets.iterdir()) == ["link.key"]


def test_operator_token_is_text_that_survives_a_header(tmp_path: Path) -> None:
    token = operator_token(DataFolder(tmp_path))
    assert operator_token(DataFolder(tmp_path)) == token
    assert len(token) == 64
    assert token.isalnum()


def test_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.key"
    load_or_make_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="Others can read"):
        load_or_make_key(path)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_damaged_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "link.key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="not a key"):
        load_or_make_key(path)
    assert path.read_bytes() == content


def test_secret_behind_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    load_or_make_key(tmp_path / "real.key")
    (tmp_path / "link.key").symlink_to(tmp_path / "real.key")
    with pytest.raises(ConfigurationError):
        load_or_make_key(tmp_path / "link.key")


def test_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("in the way")
    with pytest.raises(ConfigurationError):
        link_key(DataFolder(tmp_path))


def test_two_who_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "link.key"

    def start(_: int) -> bytes:
        child_reads, child_writes = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(child_writes, load_or_make_key(path))
            os._exit(0)
        os.close(child_writes)
        with os.fdopen(child_reads, "rb") as file:
            key = file.read()
        os.waitpid(pid, 0)
        return key

    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(start, range(8)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
