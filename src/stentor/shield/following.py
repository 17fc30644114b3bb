"""Whose HLS players follow a programme: media one after the other, at about the pace of playback.

A player that fetches holds no connection that would show it as a listener, and a playlist is read
by bots as well. What is played shows: nobody who only reloads, or takes what there is as fast as it
comes, gets further in the programme by a second in each second. Bounded; bans nobody.
"""

from collections import OrderedDict
from dataclasses import dataclass

from stentor.media.grid import PART_S, SEGMENT_S
from stentor.media.playlist import WINDOW_SEGMENTS
from stentor.shield.lately import NETWORKS_MAX

# Who has read nothing new for as long as the live playlist goes back does not play it any more.
PAUSE_MS = round(WINDOW_SEGMENTS * SEGMENT_S * 1000)
FOLLOWED_MS = round(2 * SEGMENT_S * 1000)  # for so long, until one counts as a listener
PLAYERS_MAX = 8  # of one network that are told apart: at the live edge, and further back
_SLACK_MS = FOLLOWED_MS  # ahead of that pace: its network faltered, or another edge served one
_SLOWEST = 0.5  # of the pace of playback


@dataclass(slots=True)
class _Player:
    """What is read as one player would, though several may who are at the same place."""

    room: str
    first: int  # the part from which its pace is measured, and when that was read
    since_ms: int
    next: int  # the part after the newest that was read, and when that was
    at_ms: int
    follows: bool = False

    def goes_on(self, room: str, stop: int, now_ms: int) -> bool:
        """Say whether reading up to there would be this player's next step."""
        past_ms = now_ms - self.at_ms
        played_ms = _played_ms(self.next, stop)
        return room == self.room and past_ms <= PAUSE_MS and 0 < played_ms <= past_ms + _SLACK_MS

    def has_read(self, room: str, first: int, stop: int, now_ms: int) -> bool:
        """Say whether it has been there a moment ago."""
        near = _played_ms(first, self.next) <= PAUSE_MS and stop <= self.next
        return room == self.room and near and now_ms - self.at_ms <= PAUSE_MS

    def is_gone(self, now_ms: int) -> bool:
        """Say whether another one may have its place."""
        return now_ms - self.at_ms > (PAUSE_MS if self.follows else _SLACK_MS)

    def reads(self, stop: int, now_ms: int) -> None:
        """Take a step, and see if the pace is that of playback.

        It is measured anew after what a player fetches at once as it begins, and now and then.
        """
        self.next, self.at_ms = stop, now_ms
        past_ms, played_ms = now_ms - self.since_ms, _played_ms(self.first, stop)
        hurries = played_ms > past_ms + _SLACK_MS
        if hurries:
            self.follows = False
        elif past_ms >= FOLLOWED_MS:
            self.follows = played_ms >= _SLOWEST * past_ms
        if hurries or past_ms >= PAUSE_MS:
            self.measure_anew(now_ms)

    def measure_anew(self, now_ms: int) -> None:
        """Forget at which pace it came to where it is."""
        self.first, self.since_ms = self.next, now_ms


class Following:
    """The players of some thousand networks, as one edge sees them. Times must not go back."""

    def __init__(self, most: int = NETWORKS_MAX) -> None:
        """`most` networks are remembered; who read something longest ago is forgotten first."""
        self._most = most
        self._players: OrderedDict[bytes, list[_Player]] = OrderedDict()
        self.unremembered = 0  # readings for which there was no room

    def __len__(self) -> int:
        """Return how many networks are remembered."""
        return len(self._players)

    def read(self, network: bytes, room: str, first: int, stop: int, now_ms: int) -> bool:
        """Note that a network read a live programme's parts from `first` to before `stop`.

        Say whether that was a step of somebody who follows.
        """
        players = self._players.pop(network, [])
        self._players[network] = players
        if len(self._players) > self._most:
            del self._players[next(iter(self._players))]
            self.unremembered += 1
        for one in players:
            if one.goes_on(room, stop, now_ms):
                one.reads(stop, now_ms)
                return one.follows
        if not any(one.has_read(room, first, stop, now_ms) for one in players):
            self._begin(players, _Player(room, first, now_ms, stop, now_ms))
        return False

    def forget(self, now_ms: int) -> None:
        """Drop networks that read nothing of late; to be called about once a second."""
        while self._players:
            network = next(iter(self._players))
            if any(now_ms - one.at_ms <= PAUSE_MS for one in self._players[network]):
                return
            del self._players[network]

    def _begin(self, players: list[_Player], new: _Player) -> None:
        """Make room for a player, but not where one would be who follows.

        A network that jumps about more than so many players would steps on by chance as well, and
        nobody is found there meanwhile.
        """
        if len(players) >= PLAYERS_MAX:
            gone = [one for one in players if one.is_gone(new.at_ms)]
            if not gone:
                self.unremembered += 1
                for one in players:
                    if not one.follows:
                        one.measure_anew(new.at_ms)
                return
            players.remove(gone[0])
        players.append(new)


def _played_ms(first: int, stop: int) -> float:
    return (stop - first) * PART_S * 1000
