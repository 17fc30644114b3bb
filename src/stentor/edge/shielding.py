"""Obeys the shield: what the policy asks of this edge, read from a file, never waited for.

A ban concerns who comes; whoever listens already is not looked at, and a good ticket lets in
whatever the policy says. A policy that is not renewed ends by itself. Decides no ban.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from stentor.admission.shares import levels
from stentor.base.errors import Problem
from stentor.base.logs import log
from stentor.edge.counts import Counts
from stentor.edge.guard_words import GuardWords
from stentor.edge.networks import Networks
from stentor.shield.bystanders import Bystanders
from stentor.shield.following import PAUSE_MS, Following
from stentor.shield.keys import EventKey, house
from stentor.shield.lately import NETWORKS_MAX, TICKET_REMEMBERED_MS, Lately
from stentor.shield.policy import (
    POLICY_BYTES_MAX,
    SAFE,
    Ban,
    Policy,
    PolicyReader,
    shut_for_ms,
)
from stentor.shield.summary import Summary

NAMED_REMEMBERED_MS = 300_000
FOLLOWS_MS = 2 * PAUSE_MS  # who follows by HLS listens still: of many edges each serves some of it
_AGAIN_S_MAX = 60


class Shielding:
    """The policy in force at one edge, and what is known here that limits its bans."""

    def __init__(
        self,
        *,
        policy: Path,
        guard: Path,
        networks: Networks,
        counts: Counts,
        summary: Summary,
    ) -> None:
        self._path = policy
        self._guard = GuardWords(guard, counts, summary)
        self._networks = networks
        self._counts = counts
        self._summary = summary
        self._known: tuple[int, int, int] | None = None
        self._reader = PolicyReader()
        self._read = SAFE  # as in the file, whether it holds or not
        self.policy = SAFE
        # By the network's length and digest; most who come are looked up and are in none of them.
        self._bans: dict[tuple[int, int], Ban] = {}
        self._lengths: set[int] = set()
        self._kernel: dict[str, Ban] = {}  # those for the kernel, by name
        self.rebuilt = 0  # how often the bans were others
        # Who came is looked up when they come and when they ask, which is mostly the next thing.
        self._last: tuple[bytes, tuple[Ban, bytes] | None] = b"", None
        self._tickets = Lately(TICKET_REMEMBERED_MS)
        self._ignorant_until_ms = 0  # of tickets that were shown to the edge before this one
        self._following = Following()  # HLS players, who have no connection that lasts
        self._followed = Lately(FOLLOWS_MS)
        networks.spare(self._followed.__contains__)
        self._bystanders = Bystanders()
        self._named: OrderedDict[str, tuple[bytes, int]] = OrderedDict()

    def look(self, now_ms: int) -> bool:
        """Take up a policy that is new, and let go of one whose time is over.

        Say if what it asks changed: mostly it is only renewed, with thousands of bans as before.
        """
        old = self.policy
        try:
            status = self._path.stat()
            known = status.st_ino, status.st_mtime_ns, status.st_size
            if known != self._known:
                self._known = known
                self._take(self._path.read_bytes())
        except OSError:  # no shield has ever spoken; or it is being tidied away: until it ends
            pass
        policy = self._read if now_ms < self._read.until_ms else SAFE
        self.policy = policy
        if policy.bans != old.bans or policy.key_id != old.key_id:
            self._bans = dict(_by_digest(policy.bans))
            self._lengths = {length for length, _number in self._bans}
            self._kernel = {ban.network: ban for ban in policy.bans if ban.kernel}
            self._last = b"", None
            self.rebuilt += 1
        if policy is SAFE and old is not SAFE:
            log().info("shield_away", number=old.number)
        for lately in (self._tickets, self._followed, self._following):
            lately.forget(now_ms)
        self._counts.shelf_unfollowed = self._following.unremembered
        return _asks(policy) != _asks(old)

    def _take(self, data: bytes) -> None:
        if len(data) > POLICY_BYTES_MAX:
            self._counts.policies_refused += 1
            return
        try:
            policy = self._reader.read(data)
        except msgspec.MsgspecError:
            self._counts.policies_refused += 1
            return
        if policy.key_id != self._summary.key.id:
            if policy.bans:
                self._counts.policies_refused += 1
                self._known = None  # perhaps the key is about to be read too
            policy = msgspec.structs.replace(policy, bans=())
        if policy.number != self._read.number:
            self._counts.policies += 1
        self._read = policy

    # -- what others note here ---------------------------------------------------------------

    def showed_ticket(self, peer: bytes, now_ms: int) -> None:
        """Note that a good ticket came from there."""
        for network in levels(peer):
            self._tickets.note(network, now_ms)

    def begins_anew(self, now_ms: int) -> None:
        """Note that this edge goes on from another one, and does not know who showed tickets."""
        self._ignorant_until_ms = now_ms + TICKET_REMEMBERED_MS

    def reads(self, peer: bytes, room: str, parts: range, now_ms: int) -> None:
        """Note that somebody there was given parts of a live programme by HLS."""
        if not self._following.read(house(peer), room, parts.start, parts.stop, now_ms):
            return
        if not self._followed.did(house(peer), now_ms):
            self._counts.shelf_followed += 1
            self.begins_to_listen(peer)
        for network in levels(peer):
            self._followed.note(network, now_ms)

    def begins_to_listen(self, peer: bytes) -> None:
        """Note that somebody there listens from now on."""
        found = self._look_up(peer) if self._bans else None
        if found is not None:
            self._bystanders.begins(found[1])

    def listening(self, network: bytes, now_ms: int) -> int:
        """Return how many listen in a network here; by HLS they are one, however many."""
        return self._networks.listening.of(network) + self._followed.did(network, now_ms)

    def bystanders(self, now_ms: int) -> list[bytes]:
        """Return banned networks in which somebody listens here, which the shield may not know."""
        return self._bystanders.look(
            self._bans,
            self._summary.key,
            lambda: {*self._networks.listening, *self._followed},
            lambda network: self.listening(network, now_ms),
        )

    def remember(self, named: dict[str, bytes], now_ms: int) -> None:
        """Keep the networks that the last second names: a ban will go by such a name."""
        for name, network in named.items():
            self._named.pop(name, None)
            self._named[name] = network, now_ms
        while self._named:
            name = next(iter(self._named))
            over = len(self._named) > NETWORKS_MAX
            if not over and now_ms - self._named[name][1] < NAMED_REMEMBERED_MS:
                break
            del self._named[name]

    # -- bans --------------------------------------------------------------------------------

    def ban_of(self, peer: bytes, now_ms: int) -> Ban | None:
        """Return the ban that concerns somebody who comes from there without a good ticket."""
        found = self._look_up(peer) if self._bans else None
        return found[0] if found is not None and now_ms < found[0].until_ms else None

    def concerns(self, peer: bytes) -> bool:
        """Say whether any ban is of who comes from there."""
        return bool(self._bans) and self._look_up(peer) is not None

    def closes(self, peer: bytes, now_ms: int) -> bool:
        """Say whether who comes from there is not even listened to: what the guard would do."""
        if not self._kernel:
            return False
        found = self._look_up(peer)
        if found is None or not shut_for_ms(found[0], now_ms):
            return False
        if self._has_people(found[1], now_ms):
            self._summary.obeyed("spared")
            return False
        self._counts.banned_closed += 1
        self._summary.obeyed("closed")
        return True

    def put_off(self, peer: bytes, now_ms: int, *, reads: bool = False) -> Problem | None:
        """Return the answer to who is banned and asks for something that is dear, or None.

        Not to who `reads` the shelf where somebody follows by it, or was let in by a good ticket.
        """
        ban = self.ban_of(peer, now_ms)
        if ban is None or (reads and self._may_read(house(peer), now_ms)):
            return None
        self._counts.banned_refused += 1
        self._summary.obeyed("banned")
        left_s = min(_AGAIN_S_MAX, max(1, (ban.until_ms - now_ms + 999) // 1000))
        return Problem(
            429,
            "network-put-off",
            "Something in your network did what no listener does",
            f"It is let in again in {left_s} seconds.",
        )

    def tell_guard(self, now_ms: int) -> None:
        """Tell the guard of bans for the kernel where nobody here would be hit; take them back."""
        # Of thousands of bans few are of networks that came here.
        seen = {
            name: (self._kernel[name], self._named[name][0])
            for name in sorted(self._kernel.keys() & self._named.keys())
        }
        self._guard.tell(self._kernel, seen, self._has_people, now_ms)

    def _has_people(self, network: bytes, now_ms: int) -> bool:
        """Say whether somebody there listens, or may have shown a good ticket of late."""
        if now_ms < self._ignorant_until_ms:
            return True
        return self.listening(network, now_ms) > 0 or self._tickets.did(network, now_ms)

    def _may_read(self, network: bytes, now_ms: int) -> bool:
        return (
            now_ms < self._ignorant_until_ms
            or self._followed.did(network, now_ms)
            or self._tickets.did(network, now_ms)
        )

    def _look_up(self, peer: bytes) -> tuple[Ban, bytes] | None:
        """Return the ban of the smallest network of a peer that is banned, and that network."""
        last, found = self._last
        if peer != last:
            found = self._search(peer)
            self._last = peer, found
        return found

    def _search(self, peer: bytes) -> tuple[Ban, bytes] | None:
        for network in levels(peer):
            length = len(network)
            if length in self._lengths:
                ban = self._bans.get((length, self._summary.key.number(network)))
                if ban is not None:
                    return None if self._networks.is_exempt(peer) else (ban, network)
        return None

    def close(self) -> None:
        """Let go of the socket."""
        self._guard.close()


def _by_digest(bans: Iterable[Ban]) -> Iterator[tuple[tuple[int, int], Ban]]:
    for ban in bans:
        with suppress(ValueError):  # no name of ours: nobody has it
            yield EventKey.read(ban.network), ban


def _asks(policy: Policy) -> tuple[float, int, int]:
    """Return what a policy asks of everybody, apart from its bans."""
    return policy.network_share, policy.proof_cost, policy.proof_advance_ms
