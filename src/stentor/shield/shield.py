"""The shield: once a second, what is wanted of the edges, from merged facts alone. Pure.

Stress (demand against capacity) tightens what one network may have, gradually; bans follow conduct
only; proof of work buys priority under siege and is never asked before. No classification gates
any of it: the assessment is told to people, and nothing here reads it.
"""

from stentor.shield.bans import Bans
from stentor.shield.merge import Merged
from stentor.shield.policy import Policy, Stress
from stentor.shield.stress import Stressed

EXPIRES_MS = 10_000
_FLOORS = {Stress.CALM: 1.0, Stress.STRAINED: 0.7, Stress.SIEGE: 0.4}
_TIGHTER, _WIDER = 0.95, 1.03  # a second: 18 s from all to the lowest floor, 31 s back
PROOF_COST = 50_000  # expected hashes: about a tenth of a second on a phone of these years
PROOF_ADVANCE_MS = 15_000


class Shield:
    """Decides one policy after the other; what it knows of networks are keyed names."""

    def __init__(self) -> None:
        self._stressed = Stressed()
        self._bans = Bans()
        self._share = 1.0
        self._number = 0
        self._wish: object = None

    def decide(self, second: Merged, now_ms: int) -> Policy:
        """Return what holds until it expires; to be called once a second."""
        stress = self._stressed.look(second)
        self._bans.look(second.heavy, now_ms)
        floor = _FLOORS[stress]
        if self._share > floor:
            self._share = max(floor, self._share * _TIGHTER)
        else:
            self._share = min(floor, self._share * _WIDER)
        siege = stress is Stress.SIEGE
        bans = self._bans.now(now_ms)
        wish = (stress, round(self._share, 4), second.key_id, bans)
        if wish != self._wish:  # the clock, as a shield that begins again must not go back
            self._wish, self._number = wish, max(self._number + 1, now_ms // 1000)
        return Policy(
            number=self._number,
            at_ms=now_ms,
            until_ms=now_ms + EXPIRES_MS,
            key_id=second.key_id,
            stress=stress,
            network_share=wish[1],
            proof_cost=PROOF_COST if siege else 0,
            proof_advance_ms=PROOF_ADVANCE_MS if siege else 0,
            bans=bans,
        )

    @property
    def forgotten(self) -> int:
        """How many networks' conduct was forgotten because too many stood out."""
        return self._bans.forgotten

    @property
    def unheld(self) -> int:
        """How many networks are banned beyond those for whom a policy has room."""
        return self._bans.unheld

    def resume(self, policy: Policy, now_ms: int) -> None:
        """Go on from the policy of a shield that died, if it has not ended meanwhile."""
        if policy.until_ms > now_ms:
            self._share = policy.network_share
            self._bans.resume(one for one in policy.bans if one.until_ms > now_ms)

    def pardon(self, network: str, now_ms: int) -> bool:
        """Take back a network's ban at an operator's word; say whether there was one."""
        return self._bans.pardon(network, now_ms)
