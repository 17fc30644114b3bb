"""What the guard does about each word: checks it, bounds it, has the kernel do it; no I/O here.

Whoever speaks is believed no further than the words go: not as to networks of the operator's own,
not beyond bounded numbers and times, not faster than a pace.
"""

from collections import Counter as Sums
from collections.abc import Hashable
from typing import Generic, TypeVar

import msgspec

from stentor.base.logs import log, shown_address
from stentor.guard.kernel import BANS_MAX, VALIDATED_MAX, Ground, Kernel, KernelRefused
from stentor.shield.vocabulary import (
    WORD_BYTES_MAX,
    Address,
    Answer,
    Ban,
    Counters,
    Limits,
    Network,
    Unban,
    Validated,
    Word,
    decode_word,
    read_address,
    read_limits,
    read_network,
    read_seconds,
)

WORDS_PER_S = 2_000.0
WORDS_BURST = 20_000  # four edges that all read the same full policy
_Key = TypeVar("_Key", bound=Hashable)


class Until(Generic[_Key]):
    """A bounded set whose members leave at a time of their own."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._until: dict[_Key, float] = {}

    def __len__(self) -> int:
        """Return how many are in, those expired since the last `tidy` included."""
        return len(self._until)

    def until(self, key: _Key) -> float:
        """Return until when this one is in; 0: it is not."""
        return self._until.get(key, 0.0)

    def put(self, key: _Key, until_s: float, now_s: float) -> bool:
        """Put one in; say whether there was room."""
        if key not in self._until and len(self._until) >= self._most:
            self.tidy(now_s)
            if len(self._until) >= self._most:
                return False
        self._until[key] = until_s
        return True

    def take(self, key: _Key) -> None:
        """Take one out, if it is in."""
        self._until.pop(key, None)

    def tidy(self, now_s: float) -> None:
        """Forget those whose time has passed."""
        for key in [key for key, until_s in self._until.items() if until_s <= now_s]:
            del self._until[key]


class Desk:
    """Takes words, tells the kernel, answers. `now_s` is of a clock that no hand can set."""

    def __init__(self, kernel: Kernel, ground: Ground, limits: Limits) -> None:
        """Begin with the operator's limits; raises `KernelRefused`."""
        self._kernel = kernel
        self._ground = ground
        self._bans: Until[Network] = Until(BANS_MAX)
        self._validated: Until[tuple[Address, int]] = Until(VALIDATED_MAX)
        self._paced_until_s = 0.0  # GCRA: when all words so far are earned back
        self.words: Sums[str] = Sums()  # by what became of them
        kernel.limit(limits)

    def hear(self, data: bytes, now_s: float) -> Answer:
        """Do what a datagram asks; never raises."""
        if not self._earned(now_s):
            return self._refusal("hasty", "too many words")
        if len(data) > WORD_BYTES_MAX:
            return self._refusal("malformed", f"a word has at most {WORD_BYTES_MAX} bytes")
        try:
            word = decode_word(data)
        except msgspec.MsgspecError as error:
            return self._refusal("malformed", str(error))
        try:
            return self._obey(word, now_s)
        except ValueError as error:
            return self._refusal("refused", str(error))
        except KernelRefused as error:
            log().error("kernel_refused", word=type(word).__name__.lower(), why=str(error))
            return self._refusal("failed", str(error))

    def tidy(self, now_s: float) -> None:
        """Forget what has expired, here and where the kernel does not by itself."""
        self._bans.tidy(now_s)
        self._validated.tidy(now_s)
        try:
            self._kernel.tidy()
        except KernelRefused as error:
            log().error("kernel_refused", word="tidy", why=str(error))

    def _obey(self, word: Word, now_s: float) -> Answer:
        match word:
            case Ban():
                self._ban(read_network(word.network), read_seconds(word.seconds), now_s)
            case Unban():
                network = read_network(word.network)
                if self._bans.until(network):
                    self._kernel.unban(network)
                    self._bans.take(network)
                log().info("unbanned", network=shown_address(str(network.network_address)))
            case Limits():
                self._kernel.limit(read_limits(word))
                log().info("limits_set", syn_per_s=word.syn_per_s, udp_per_s=word.udp_per_s,
                           media=str(word.media))  # fmt: skip
            case Validated():
                place = read_address(word.address, word.port)
                seconds = read_seconds(word.seconds)
                if not self._validated.put(place, now_s + seconds, now_s):
                    raise ValueError(f"{VALIDATED_MAX} addresses are validated already")
                self._kernel.validate(*place, seconds)
            case Counters():
                return self._answer(word, self._counters(now_s))
        return self._answer(word)

    def _ban(self, network: Network, seconds: int, now_s: float) -> None:
        for never in self._ground.never:
            if never.version == network.version and never.overlaps(network):
                raise ValueError(f"{network} is never banned: {never} is the operator's own")
        until_s = now_s + seconds
        if self._bans.until(network) >= until_s:
            return
        if not self._bans.put(network, until_s, now_s):
            raise ValueError(f"{BANS_MAX} networks are banned already")
        try:
            self._kernel.ban(network, seconds)
        except KernelRefused:
            self._bans.take(network)
            raise
        log().debug("banned", network=shown_address(str(network.network_address)), s=seconds)

    def _counters(self, now_s: float) -> dict[str, int]:
        self._bans.tidy(now_s)
        self._validated.tidy(now_s)
        return {
            **self._kernel.drops(),
            "bans": len(self._bans),
            "validated": len(self._validated),
            **{f"words_{fate}": count for fate, count in self.words.items()},
        }

    def _answer(self, word: Word, counters: dict[str, int] | None = None) -> Answer:
        self.words[type(word).__name__.lower()] += 1
        return Answer(True, how=self._kernel.how, counters=counters or {})

    def _refusal(self, fate: str, why: str) -> Answer:
        self.words[fate] += 1
        return Answer(False, why, how=self._kernel.how)

    def _earned(self, now_s: float) -> bool:
        """Say whether this word keeps the pace (GCRA: ITU-T I.371, annex A)."""
        begun = max(self._paced_until_s, now_s)
        if begun - now_s > WORDS_BURST / WORDS_PER_S:
            return False
        self._paced_until_s = begun + 1 / WORDS_PER_S
        return True
