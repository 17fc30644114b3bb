"""Which networks are kept out for a while: only for conduct that no player does, never for much.

A network in which anybody listens, was let in or showed a good ticket within the last minutes is
not banned, whatever some there do: behind one address may be a carrier's thousands. Every ban ends
by itself, and each is longer than the last, or when most of what comes is right again. Everything
is bounded: who was never banned is forgotten first, and a ban that holds last.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp

from stentor.shield.facts import Heavy
from stentor.shield.policy import BANS_MAX, Ban, Why, shut_for_ms

CONDUCTS_MAX = 8_192
FIRST_MS = 10_000
LONGER = 4
LONGEST_MS = 3_600_000
WRONGS_MIN = 20.0  # within about ten seconds: a broken client makes one a second or two
WRONG_SHARE_MIN = 0.7  # of what a network did
_TAU_S = 10.0
PEOPLE_MS = 300_000  # for so long a network is one with people in it
_REMEMBERED_MS = 2 * LONGEST_MS  # how often a network was banned
_HELD = 5  # connections: who is merely hasty and has so many is listening there, or many people
# Of each who is let go for taking too little, in about ten seconds, so many more may be there: an
# edge bears one for `edge_stalled_s`, or twice that.
_SLOW_HELD = 6
_KERNEL_AFTER = 2  # bans: the first one only the edge enforces, with a sentence
_KERNEL_WRONGS = 50.0  # within about ten seconds: to say no to less costs next to nothing
# What ends a ban, within about ten seconds: a few who do wrong are none of a carrier's thousands.
_RIGHT_ASKS, _RIGHT_WRONG_SHARE = 40.0, 0.3
_SECOND_MS = 1_000


@dataclass(slots=True)
class _Conduct:
    asks: float = 0.0
    wrongs: float = 0.0
    slow: float = 0.0  # those of them who took nothing of what they were sent; no ban forgets them
    good: float = 0.0  # people: let in or with a good ticket
    good_ms: int = -(1 << 62)
    held_ms: int = -(1 << 62)
    at_ms: int = 0
    why: str = ""
    times: int = 0
    until_ms: int = 0
    much: bool = False

    def fade(self, now_ms: int) -> None:
        share = exp(-max(0, now_ms - self.at_ms) / 1000 / _TAU_S)
        self.asks *= share
        self.wrongs *= share
        self.slow *= share
        self.good *= share
        self.at_ms = now_ms

    def has_people(self, now_ms: int) -> bool:
        return now_ms - self.good_ms <= PEOPLE_MS

    def is_mostly_right(self) -> bool:
        return self.asks >= _RIGHT_ASKS and self.wrongs < _RIGHT_WRONG_SHARE * self.asks


class Bans:
    """Remembers what networks did of late, and how often they were banned."""

    def __init__(self) -> None:
        self._conducts: dict[str, _Conduct] = {}
        self._pardoned: dict[str, int] = {}
        self.forgotten = 0
        self.unheld = 0  # bans beyond what a policy has room for, now

    def look(self, heavy: Iterable[Heavy], now_ms: int) -> None:
        """Take in what networks did in the last second, and ban whom that gives reason to."""
        for one in heavy:
            conduct = self._conducts.pop(one.network, None) or _Conduct(at_ms=now_ms)
            self._conducts[one.network] = conduct  # the most recent is last
            conduct.fade(now_ms)
            if not _was_shut(one.network, conduct, now_ms):  # nobody was listened to, then
                conduct.asks += one.asks
            conduct.wrongs += max(0, one.wrongs - one.error)  # also of who came before that
            conduct.why = one.why or conduct.why
            conduct.much |= conduct.wrongs >= _KERNEL_WRONGS
            # Who is let in and takes nothing is one slow wrong for each that was let in.
            slow = one.wrongs if one.why == Why.SLOW else 0
            conduct.slow += slow
            conduct.good += max(-conduct.good, one.tickets + one.admitted - slow)
            # Who takes nothing is a listener too until they are let go, one wrong each.
            if conduct.good >= 0.5 or one.listening > _SLOW_HELD * conduct.slow:
                conduct.good_ms = now_ms
            if one.visited or one.present >= _HELD:
                conduct.held_ms = now_ms
            if self._deserves(one.network, conduct, now_ms):
                conduct.times += 1
                lasts_ms = min(LONGEST_MS, FIRST_MS * LONGER ** min(16, conduct.times - 1))
                conduct.until_ms = now_ms + lasts_ms
                conduct.asks = conduct.wrongs = 0.0
            elif conduct.until_ms > now_ms and conduct.is_mostly_right():
                conduct.until_ms = now_ms
        self._bound(now_ms)

    def resume(self, bans: Iterable[Ban]) -> None:
        """Take up the bans of a shield that is no more: they hold on, and the next are longer."""
        for ban in bans:
            conduct = self._conducts.setdefault(ban.network, _Conduct(at_ms=ban.until_ms))
            conduct.until_ms, conduct.times, conduct.why = ban.until_ms, ban.times, ban.why
            conduct.much = ban.kernel

    def pardon(self, network: str, now_ms: int) -> bool:
        """Take a ban back, and ban that network no more for an hour; say whether it was banned."""
        conduct = self._conducts.get(network)
        self._pardoned[network] = now_ms + LONGEST_MS
        while len(self._pardoned) > BANS_MAX:
            del self._pardoned[next(iter(self._pardoned))]
        if conduct is None or conduct.until_ms <= now_ms:
            return False
        conduct.until_ms, conduct.times = now_ms, 0
        return True

    def now(self, now_ms: int) -> tuple[Ban, ...]:
        """Return the bans that hold, those that last longest first, and not more than fit."""
        found = [
            _ban(name, one, now_ms) for name, one in self._conducts.items() if one.until_ms > now_ms
        ]
        self.unheld = max(0, len(found) - BANS_MAX)
        found.sort(key=lambda ban: (-ban.until_ms, ban.network))
        return tuple(found[:BANS_MAX])

    def _deserves(self, network: str, conduct: _Conduct, now_ms: int) -> bool:
        # A carrier's people who all come on the hour are hasty before the first of them is in.
        if conduct.why == Why.HASTY and now_ms - conduct.held_ms <= PEOPLE_MS:
            return False
        return (
            conduct.until_ms <= now_ms
            and conduct.wrongs >= WRONGS_MIN
            and conduct.wrongs >= WRONG_SHARE_MIN * conduct.asks
            and not conduct.has_people(now_ms)
            and self._pardoned.get(network, 0) <= now_ms
        )

    def _bound(self, now_ms: int) -> None:
        for name, one in tuple(self._conducts.items()):
            idle_ms = now_ms - max(one.at_ms, one.until_ms)
            if idle_ms > (_REMEMBERED_MS if one.times else PEOPLE_MS):
                del self._conducts[name]
        over = len(self._conducts) - CONDUCTS_MAX
        if over > 0:  # who is named often shall not have others' bans forgotten
            named = sorted(self._conducts, key=lambda name: self._worth(name, now_ms))
            for name in named[:over]:
                del self._conducts[name]
            self.forgotten += over

    def _worth(self, name: str, now_ms: int) -> tuple[bool, bool]:
        one = self._conducts[name]
        return one.until_ms > now_ms, one.times > 0


def _ban(name: str, one: _Conduct, now_ms: int) -> Ban:
    """Return a ban: it cuts off who goes on and does much, if nobody else was seen there since."""
    kernel = one.times >= _KERNEL_AFTER and one.much and not one.has_people(now_ms)
    return Ban(name, one.until_ms, _why(one.why), one.times, kernel=kernel)


def _was_shut(name: str, one: _Conduct, now_ms: int) -> bool:
    """Say whether who came from there in the last second may have been cut off."""
    ban = _ban(name, one, now_ms)
    return any(shut_for_ms(ban, at_ms) > 0 for at_ms in (now_ms - _SECOND_MS, now_ms))


def _why(text: str) -> Why:
    try:
        return Why(text)
    except ValueError:
        return Why.HASTY
