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


class PartsCheck:
    """Decodes what one listener gets."""

    def __init__(self) -> None:
        from stentor.codecs import decode  # the codecs take 40 MB: only where they are used

        self._decode = decode
        self._decoder: decode.PartDecoder | None = None

    def begin(self, init: bytes) -> None:
        """A stream begins."""
        self._decoder = self._decode.PartDecoder(init)

    def takes(self, part: bytes) -> bool:
        """Say whether a part decodes to what it claims."""
        if self._decoder is None:
            return False
        try:
            self._decoder.decode(part)
        except self._decode.Unreadable:
            return False
        return True


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
        self._decoding: set[int] = set()
        self._decoders: dict[int, Decoder] = {}
        self.digests: dict[tuple[str, int], bytes] = {}

    def connecting(self, fd: int, *, decodes: bool = False) -> None:
        """A connection of a sampled listener begins."""
        self.closed(fd)
        self._tails[fd] = b""
        if decodes:
            self._decoding.add(fd)

    def closed(self, fd: int) -> None:
        """Its connection is over."""
        self._tails.pop(fd, None)
        self._renditions.pop(fd, None)
        self._decoders.pop(fd, None)
        self._decoding.discard(fd)

    def take(self, fd: int, data: bytes) -> None:
        """Take all bytes of a connection in order, its head included; raises `BrokenStream`."""
        data = self._tails[fd] + data
        if fd not in self._renditions:
            head = read_head(data)
            if head is None:
                self._tails[fd] = data
                return
            self._renditions[fd] = head.rendition or self._rendition
            data = data[head.length :] if head.status == 200 else b""
        said = read_chunks(data)
        self._tails[fd] = data[said.used :]
        self._check(fd, said)

    def _check(self, fd: int, said: Said) -> None:
        tally, rendition = self._tally, self._renditions[fd]
        decoder = self._decoders.get(fd)
        if said.init and fd in self._decoding and self._make_decoder is not None:
            decoder = self._decoders[fd] = self._make_decoder()
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
