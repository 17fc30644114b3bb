"""From what edges told to the policy that they read: merge, ask the shield, obey the operator.

The operator's word stands above the shield's: a pause asks nothing of anybody, a pardon ends a ban.
Both are written down as notes, and outlive the process. Decides nothing about networks itself.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from stentor.base.files import replace_file
from stentor.base.logs import log
from stentor.base.metrics import (
    WATCH_BANS,
    WATCH_BANS_UNHELD,
    WATCH_CONDUCTS_FORGOTTEN,
    WATCH_POLICIES_UNWRITTEN,
)
from stentor.evidence.records import Note
from stentor.shield.assessment import Assessing, Assessment
from stentor.shield.facts import EdgeSecond
from stentor.shield.merge import Merged, Merging
from stentor.shield.policy import SAFE, Policy, decode_policy, encode_policy
from stentor.shield.shield import Shield

PAUSE_S_MAX = 3_600
PARDONS_MAX = 1_024


class _Words(msgspec.Struct):
    """What an operator said; times are Unix milliseconds."""

    paused_until_ms: int = 0
    pardoned_ms: dict[str, int] = {}  # network → when


class Deciding:
    """The shield with its operator. Times are Unix milliseconds."""

    def __init__(self, policy_file: Path, words_file: Path) -> None:
        self._file = policy_file
        self._words_file = words_file
        self._words: _Words | None = None  # not read yet
        self._merging = Merging()
        self._shield = Shield()
        self._assessing = Assessing()
        self._notes: list[Note] = []
        self._told = 0
        self.merged = Merged()
        self.assessment = Assessment(0)  # for people; nothing is decided by it
        self.decided = SAFE  # what the shield would want, also while it is paused
        self.policy = SAFE

    def decide(self, edges: Sequence[EdgeSecond], now_ms: int) -> Policy | None:
        """Return the policy if it is another than the last; edges have it when this returns."""
        if self._words is None:
            self._recall(now_ms)
        self.merged = self._merging.merge(edges, now_ms)
        self.assessment = self._assessing.look(self.merged)
        forgotten = self._shield.forgotten
        self.decided = self._shield.decide(self.merged, now_ms)
        WATCH_CONDUCTS_FORGOTTEN.inc(self._shield.forgotten - forgotten)
        WATCH_BANS_UNHELD.set(self._shield.unheld)
        wanted = self.decided
        if self.paused_until(now_ms):
            wanted = msgspec.structs.replace(
                wanted, network_share=1.0, proof_cost=0, proof_advance_ms=0, bans=()
            )
        same = _wish(wanted) == _wish(self.policy) and self.policy.number
        number = self.policy.number if same else max(self.policy.number + 1, now_ms // 1000)
        self.policy = msgspec.structs.replace(wanted, number=number)
        self._write()
        WATCH_BANS.set(len(self.policy.bans))
        if self._told == number:
            return None
        self._told = number
        return self.policy

    def paused_until(self, now_ms: int) -> int:
        """Return until when the shield is paused; 0 if it is not."""
        until_ms = self._words.paused_until_ms if self._words is not None else 0
        return until_ms if until_ms > now_ms else 0

    def pause(self, seconds: int, now_ms: int) -> None:
        """Ask nothing of anybody for a while; 0 ends a pause."""
        seconds = min(seconds, PAUSE_S_MAX)
        words = self._recall(now_ms)
        words.paused_until_ms = now_ms + seconds * 1000 if seconds else 0
        self._keep(words)
        self._notes.append(Note("shield-paused" if seconds else "shield-resumed", f"{seconds} s"))

    def pardon(self, network: str, now_ms: int) -> bool:
        """End a network's ban; say whether there was one."""
        words = self._recall(now_ms)
        if not self._shield.pardon(network, now_ms):
            return False
        self._notes.append(Note("undo-ban", network))
        words.pardoned_ms[network] = now_ms
        while len(words.pardoned_ms) > PARDONS_MAX:
            del words.pardoned_ms[next(iter(words.pardoned_ms))]
        self._keep(words)
        return True

    def take_notes(self) -> tuple[Note, ...]:
        """Return what the operator did since the last second."""
        notes, self._notes = self._notes, []
        return tuple(notes)

    def _recall(self, now_ms: int) -> _Words:
        """Return what the operator said, also to a watch before this one."""
        if self._words is not None:
            return self._words
        try:
            words = msgspec.json.decode(self._words_file.read_bytes(), type=_Words)
        except (OSError, msgspec.MsgspecError):
            words = _Words()
        try:
            self._shield.resume(decode_policy(self._file.read_bytes()), now_ms)
        except (OSError, msgspec.MsgspecError):
            pass  # there was none, or none that can be read: begin without
        for network, at_ms in words.pardoned_ms.items():
            self._shield.pardon(network, min(at_ms, now_ms))
        self._words = words
        return words

    def _keep(self, words: _Words) -> None:
        try:
            replace_file(self._words_file, msgspec.json.encode(words), 0o600)
        except OSError as error:  # it holds all the same, as long as this process
            log().warning("operators_word_not_kept", why=error.strerror)

    def _write(self) -> None:
        try:
            replace_file(self._file, encode_policy(self.policy), 0o600)
        except OSError as error:  # edges go on with the last one, and then without
            WATCH_POLICIES_UNWRITTEN.inc()
            log().warning("policy_not_written", why=error.strerror)


def _wish(policy: Policy) -> Policy:
    return msgspec.structs.replace(policy, number=0, at_ms=0, until_ms=0)
