"""Which rehearsals count: those with a certificate that this deployment's own key signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.base.paths import DataFolder
from stentor.base.secrets import load_or_make_key
from stentor.control.rehearsals import CERTIFIED_MAX, rehearsals
from support import rehearsed


class Folder:
    """A data folder whose rehearsals are put there one by one."""

    def __init__(self, root: Path) -> None:
        self.folder = DataFolder(root)
        secret = load_or_make_key(self.folder.rehearsal_key)
        self.key = Ed25519PrivateKey.from_private_bytes(secret)

    def add(self, name: str, data: bytes | None) -> None:
        path = self.folder.certificate(name)
        path.parent.mkdir(parents=True)
        if data is not None:
            path.write_bytes(data)

    def names(self) -> list[str]:
        return [one.name for one in rehearsals(self.folder)]


@pytest.fixture
def at(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_newest_comes_first_and_later_ones_without_a_certificate_are_counted(
    at: Folder,
) -> None:
    good = rehearsed.certificate(key=at.key)
    for name, data in (("1", good), ("2", None), ("3", good), ("4", b"{}"), ("5", None)):
        at.add(name, data)
    found = rehearsals(at.folder)
    assert [(one.name, one.failed_since) for one in found] == [("3", 2), ("1", 3)]
    newest = found[0]
    # At once, as an event's listeners are: eight million came, but not all were there together.
    assert (newest.faults, newest.measured_max, newest.simulated_max) == ((), 2_000, 6_400_000)
    assert newest.at_ms == 1_795_399_200_000
    assert newest.settings == {"edges": "4"}


def test_one_that_was_changed_or_that_another_key_signed_has_faults(at: Folder) -> None:
    at.add("1", rehearsed.certificate())
    at.add("2", rehearsed.certificate(key=at.key).replace(b'"seed":7', b'"seed":8'))
    faults = [one.faults[0] for one in rehearsals(at.folder)]
    assert faults == [
        "it was changed after it was signed",
        "it was signed with another key than the one given",
    ]
    at.folder.rehearsal_key.unlink()
    assert {one.faults[0] for one in rehearsals(at.folder)} == {"its key is not here"}


def test_a_folder_of_very_many_is_not_read_to_its_end(at: Folder) -> None:
    good = rehearsed.certificate(key=at.key)
    for n in range(CERTIFIED_MAX + 5):
        at.add(f"{n:03}", good)
    names = at.names()
    assert len(names) == CERTIFIED_MAX
    assert names[0] == f"{CERTIFIED_MAX + 4:03}"


def test_without_a_folder_there_is_none(tmp_path: Path) -> None:
    assert rehearsals(DataFolder(tmp_path / "nowhere")) == ()
