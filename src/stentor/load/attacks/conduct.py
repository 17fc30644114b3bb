"""How the attackers of each family behave: what the n-th of them says. Pure; chance is seeded.

Nothing here is new or clever: these are the ways in which servers are known to be worn out, as
plainly as a defence has to meet them.
"""

import random
from collections.abc import Callable

from stentor.load.attacks.aim import Aim
from stentor.load.attacks.visit import Later, Then, Visit
from stentor.load.line import read_in_line

_SMALL_WINDOW_BYTES = 2048
_PAGES = 60  # asked for at once: more than the kernel takes for one who takes nothing


class Plain:
    """Visits that follow from nothing and lead to nothing. `sources` is how many attackers."""

    def __init__(self, aim: Aim, chance: random.Random, sources: int) -> None:
        self.aim = aim
        self.chance = chance
        self.sources = sources
        self.stream = f"/r/{aim.room}/live.mp4?rendition={aim.rendition}"

    def source(self, number: int) -> int:
        """Return which attacker makes the n-th visit: each in turn."""
        return number % self.sources

    def visit(self, number: int) -> Visit:
        """Return what the `number`-th visit is."""
        raise NotImplementedError

    def heard(self, visit: Visit, status: int, body: bytes) -> Later | None:
        """Take an answer; nothing follows from it."""
        return None


class JoinFlood(Plain):
    """Asks for the stream, takes the answer and is gone, from few addresses or from many."""

    def visit(self, number: int) -> Visit:
        """Return one join."""
        return Visit(self.source(number), self.aim.request(self.stream), kind="joined")


class SlowHeaders(Plain):
    """Begins a request and never ends it (Slowloris)."""

    def visit(self, number: int) -> Visit:
        """Return one request without an end."""
        head = self.aim.request(self.stream)[:-2] + b"X-Filler: " + b"a" * 64
        return Visit(self.source(number), head, Then.DRIPS, "begun", drip=b"a")


class SlowReads(Plain):
    """Asks for the stream through a small window and takes a few bytes a second."""

    def visit(self, number: int) -> Visit:
        """Return one slow reader: of the stream, or of answers asked for many at once."""
        source, window = self.source(number), _SMALL_WINDOW_BYTES
        if number % 2:
            page = self.aim.request(f"/r/{self.aim.room}") * _PAGES
            return Visit(source, page, Then.SIPS, "pages", window_bytes=window)
        stream = self.aim.request(self.stream)
        return Visit(source, stream, Then.SIPS, "stream", window_bytes=window)


class Idle(Plain):
    """Connects and says nothing."""

    def visit(self, number: int) -> Visit:
        """Return one silent connection."""
        return Visit(self.source(number), b"", Then.SITS, "sat")


class CacheBusting(Plain):
    """Asks for what no cache has: random paths, query strings and numbers of parts."""

    def visit(self, number: int) -> Visit:
        """Return one request that is like no other."""
        chance, room = self.chance, self.aim.room
        word = f"{chance.getrandbits(64):x}"
        kind, path = chance.choice(
            (
                ("query", f"/r/{room}/live.mp4?{word}=1"),
                ("query", f"/r/{room}/hls/aac48/live.m3u8?nocache={word}"),
                ("path", f"/r/{room}/{word}"),
                ("path", f"/site/{word}.js"),
                ("room", f"/r/{word}/state.json"),
                ("part", f"/r/{room}/hls/aac48/part/{chance.randrange(10**8, 10**9)}.m4s"),
                ("link", f"/r/{room}?from={word}"),
            )
        )
        return Visit(self.source(number), self.aim.request(path), kind=kind)


class ReloadAbuse(Plain):
    """Waits for playlists and parts that are not made yet, and for some that never will be."""

    def __init__(self, aim: Aim, chance: random.Random, sources: int) -> None:
        super().__init__(aim, chance, sources)
        self._newest = 0

    def visit(self, number: int) -> Visit:
        """Return one reload: of the segment after the newest, or of one in years."""
        chance, source = self.chance, self.source(number)
        playlist = f"/r/{self.aim.room}/hls/aac48/live.m3u8"
        if number % 8 == 0:
            return Visit(source, self.aim.request(playlist), kind="playlist")
        if number % 4 == 1:
            far = f"{playlist}?_HLS_msn={self._newest + chance.randrange(1000, 10**8)}&_HLS_part=1"
            return Visit(source, self.aim.request(far), kind="far-future")
        blocked = f"{playlist}?_HLS_msn={self._newest + 1}&_HLS_part={chance.randrange(12)}"
        return Visit(source, self.aim.request(blocked), kind="blocked")

    def heard(self, visit: Visit, status: int, body: bytes) -> Later | None:
        """Learn from a playlist where the programme is."""
        if visit.kind == "playlist" and status == 200:
            segments = [int(one.split(b".")[0]) for one in body.split(b"seg/")[1:]]
            self._newest = max([self._newest, *segments])
        return None


class Malformed(Plain):
    """Says what is no HTTP: noise, heads without end, TLS to a plain port, two lengths."""

    def visit(self, number: int) -> Visit:
        """Return one that makes no sense."""
        chance = self.chance
        noise = chance.randbytes(chance.randrange(16, 2048))
        good = self.aim.request(self.stream)
        kind, said = chance.choice(
            (
                ("noise", noise + b"\r\n\r\n"),
                ("large", good[:-2] + b"X-Filler: " + b"a" * 9000 + b"\r\n\r\n"),
                ("many", good[:-2] + b"X: a\r\n" * 200 + b"\r\n"),
                ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise[:500]),
                ("lengths", good[:-2] + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
                ("http2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                ("method", good.replace(b"GET", b"BREW")),
            )
        )
        return Visit(self.source(number), said, kind=kind)


class Mimic(Plain):
    """Does as a listener does: joins, waits in line when told to, and takes the audio as it comes.

    Nothing tells such a bot from a person; that the service stays fair is what can be shown.
    """

    def visit(self, number: int) -> Visit:
        """Return one listener."""
        return Visit(self.source(number), self.aim.request(self.stream), Then.READS, "listened")

    def heard(self, visit: Visit, status: int, body: bytes) -> Later | None:
        """Come again when told to, with the ticket."""
        said = read_in_line(body) if status == 503 else None
        if said is None:
            return None
        again = self.aim.request(f"{self.stream}&ticket={said.ticket}")
        return Later(said.poll_s or 2.0, Visit(visit.source, again, Then.READS, "listened"))


ByFamily = Callable[[Aim, random.Random, int], Plain]
