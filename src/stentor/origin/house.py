"""What the rooms of an origin share: settings, folder, the feed, and who does slow work."""

from collections.abc import Callable
from dataclasses import dataclass

from stentor.base.paths import DataFolder
from stentor.base.settings import Settings
from stentor.codecs.encode import SilentParts
from stentor.origin.disk import Submit, at_once
from stentor.origin.programme import Publish
from stentor.rooms.state import Witness


@dataclass(frozen=True, slots=True)
class House:
    """What a room gets from its origin."""

    settings: Settings
    folder: DataFolder
    silent: dict[str, SilentParts]
    publish: Publish
    retire: Callable[[str], None]
    submit: Submit = at_once  # what writes recordings
    submit_apart: Submit = at_once  # what may take long; a thread for each
    witness: Callable[[int], Witness | None] = lambda now_ns: None  # the ledger's newest head
