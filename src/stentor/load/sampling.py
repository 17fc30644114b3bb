"""The sample: listeners whose bytes are taken apart to the last one, hashed, and some decoded.

The same part must be the same bytes for everyone, whichever edge, lane or process it came through:
digests are compared here within a process, and by the parent between processes.
"""

import hashlib
from collections.abc import Callable
from typing import Protocol

from stentor.load.reading import Said, read_chunks, read_head
from stentor.load.report import Tally

_DIGESTS_MAX = 4096  # the last twenty minutes of a programme
_DIGEST_BYTES = 16


class Decoder(Protocol):
    """Whatever can say whether a part decodes."""

    def begin(self, init: bytes) -> None:
        """A stream begins."""
        ...

    def takes(self, part: bytes) -> bool:
        """Say whether a part decodes to what it claims."""
        ...


class Sample:
    """What the sampled listeners of one process got."""

    def __init__(
        self, tally: Tally, rendition: str, make_decoder: Callable[[], Decoder] | None
    ) -> None:
        self._tally = tally
        self._rendition = rendition
        self._make_decoder = make_decoder
        self._tails: dict[int, bytes] = {}
        self._renditions: dict[int, str] = {}
        self._decoders: dict[int, Decoder] = {}
        self._decodes: set[int] = set()
        self.digests: dict[tuple[str, int], bytes] = {}

    def choose(self, who: int, *, decodes: bool) -> None:
        """Make a listener one of the sample."""
        if decodes:
            self._decodes.add(who)

    def connecting(self, who: int) -> None:
        """A connection of a sampled listener begins."""
        self._tails[who] = b""
        self._renditions.pop(who, None)
        self._decoders.pop(who, None)

    def take(self, who: int, data: bytes) -> None:
        """Take all bytes of a connection in order, its head included; raises `BrokenStream`."""
        data = self._tails[who] + data
        if who not in self._renditions:
            head = read_head(data)
            if head is None:
                self._tails[who] = data
                return
            self._renditions[who] = head.rendition or self._rendition
            data = data[head.length :] if head.status == 200 else b""
        said = read_chunks(data)
        self._tails[who] = data[said.used :]
        self._check(who, said)

    def _check(self, who: int, said: Said) -> None:
        tally, rendition = self._tally, self._renditions[who]
        decoder = self._decoders.get(who)
        if said.init and who in self._decodes and self._make_decoder is not None:
            decoder = self._decoders[who] = self._make_decoder()
            decoder.begin(said.init)
        for number, part in zip(said.parts, said.media, strict=True):
            digest = hashlib.blake2b(part, digest_size=_DIGEST_BYTES).digest()
            tally.sampled_parts += 1
            if self.digests.setdefault((rendition, number), digest) != digest:
                tally.differing_parts += 1
            if len(self.digests) > _DIGESTS_MAX:
                self.digests.pop(next(iter(self.digests)))
            if decoder is not None:
                tally.decoded_parts += 1
                tally.undecodable_parts += not decoder.takes(part)


class Comparison:
    """All processes' digests: the same part is the same bytes everywhere."""

    def __init__(self) -> None:
        self._digests: dict[tuple[str, int], bytes] = {}
        self.differing_parts = 0

    def add(self, digests: dict[tuple[str, int], bytes]) -> None:
        """Take one process's."""
        for key, digest in digests.items():
            self.differing_parts += self._digests.setdefault(key, digest) != digest
