"""A stage with one speaker beside the edges of `bench/attacks`, whose media port is sprayed.

Its process is the real one, in the edges' data folder; who speaks is a peer that sends Opus over
WebRTC. Says what the stage counted of the speaker's packets, and decides nothing.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ground import Ground
from spray import unfiltered

from support.bad_network import tone
from support.spray import fates, media_port
from support.stage import FeedEars, Talker, stage_running

T = TypeVar("T")
_SPEAKS_S = 2.0  # before anything is counted


def beside_speaker(
    at: Ground, attacked: Callable[[int], T], *, filtered: bool
) -> tuple[T, dict[str, float]]:
    """Call `attacked` with the speaker's media port; return its result and the packets' fates."""
    return asyncio.run(_beside_speaker(Path(at.folder.root), attacked, filtered=filtered))


async def _beside_speaker(
    root: Path, attacked: Callable[[int], T], *, filtered: bool
) -> tuple[T, dict[str, float]]:
    with (
        contextlib.nullcontext() if filtered else unfiltered(),
        stage_running(root, "ada", media_addresses="127.0.0.1") as stage,
    ):
        async with FeedEars(stage), Talker(stage, "ada", tone(440, 4)) as ada:
            await asyncio.sleep(_SPEAKS_S)
            before = await fates(stage)
            told = await asyncio.to_thread(attacked, media_port(ada))
            after = await fates(stage)
    return told, {fate: count - before.get(fate, 0.0) for fate, count in after.items()}
