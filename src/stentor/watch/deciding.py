"""From what edges told to the policy that they read: merge, ask the shield, obey the operator.

The operator's word stands above the shield's: a pause asks nothing of anybody, a pardon ends a ban.
Both are written down as notes. Decides nothing about networks itself.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from stentor.base.logs import log
from stentor.base.metrics import WATCH_BANS, WATCH_POLICIES_UNWRITTEN
from stentor.evidence.records import Note
from stentor.shield.assessment import Assessing, Assessment
from stentor.shield.facts import EdgeSecond
from stentor.shield.merge import Merged, Merging
from stentor.shield.policy import SAFE, Policy, encode_policy
from stentor.shield.shield import Shield

PAUSE_S_MAX = 3_600


class Deciding:
    """The shield with its operator. Times are Unix milliseconds."""

    def __init__(self, policy_file: Path) -> None:
        self._file = policy_file
        self._merging = Merging()
        self._shield = Shield()
        self._assessing = Assessing()
        self._paused_until_ms = 0
        self._notes: list[Note] = []
        self._told = 0
        self.merged = Merged()
        self.assessment = Assessment(0)  # for people; nothing is decided by it
        self.decided = SAFE  # what the shield would want, also while it is paused
        self.policy = SAFE

    def decide(self, edges: Sequence[EdgeSecond], now_ms: int) -> Policy | None:
        """Return the policy if it is another than the last; edges have it when this returns."""
        self.merged = self._merging.merge(edges, now_ms)
        self.assessment = self._assessing.look(self.merged)
        self.decided = self._shield.decide(self.merged, now_ms)
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
        return self._paused_until_ms if self._paused_until_ms > now_ms else 0

    def pause(self, seconds: int, now_ms: int) -> None:
        """Ask nothing of anybody for a while; 0 ends a pause."""
        seconds = min(seconds, PAUSE_S_MAX)
        self._paused_until_ms = now_ms + seconds * 1000 if seconds else 0
        self._notes.append(Note("shield-paused" if seconds else "shield-resumed", f"{seconds} s"))

    def pardon(self, network: str, now_ms: int) -> bool:
        """End a network's ban; say whether there was one."""
        done = self._shield.pardon(network, now_ms)
        if done:
            self._notes.append(Note("undo-ban", network))
        return done

    def take_notes(self) -> tuple[Note, ...]:
        """Return what the operator did since the last second."""
        notes, self._notes = self._notes, []
        return tuple(notes)

    def _write(self) -> None:
        scratch = self._file.with_suffix(".new")
        try:
            scratch.write_bytes(encode_policy(self.policy))
            scratch.chmod(0o600)
            scratch.replace(self._file)
        except OSError as error:  # edges go on with the last one, and then without
            WATCH_POLICIES_UNWRITTEN.inc()
            log().warning("policy_not_written", why=error.strerror)


def _wish(policy: Policy) -> Policy:
    return msgspec.structs.replace(policy, number=0, at_ms=0, until_ms=0)
