"""What came beneath the connections: handshakes never finished, datagrams of strangers. Pure.

Neither makes a connection, so no conduct tells of them; the kernel's counters do. This goes by two
rules, which say yes only of what no crowd does while people come in as before. Whoever sent it:
such packets' addresses may all be forged.
"""

from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from stentor.evidence.records import Second
from stentor.evidence.words import Told
from stentor.shield.merge import Merged

# A handshake that is not answered is answered again after 1, 3, 7, 15 and 31 s, then forgotten
# (Linux, `tcp_synack_retries` 5).
_AGAIN_TIMES = 5
_LASTS_S = 64
_WINDOW_S = 5
_UNANSWERED_PER_S = 100.0  # fewer may be bad radio or scanners
_OF_FINISHED = 0.5  # bad radio loses some; nobody's crowd loses one in three
_STILL_COME = 0.5  # of those who came before: a network that lost our answers would lose theirs too
_BEFORE_S = 30
# A speaker's browser sends some 50 packets a second, for a while also from where ICE was before.
_STRAYS_PER_S = 200.0
_STRAYS_PER_SPEAKER = 100.0
_STRAYS_S = 3  # of a window


class Beneath(msgspec.Struct, frozen=True):
    """What is said of it. Counts are of the whole evening; both grow with scanners alone."""

    told: Told = Told.NO
    unfinished: float = 0.0  # handshakes, at least
    strays: float = 0.0  # datagrams at media ports
    because: tuple[str, ...] = ()


def look_beneath(seconds: Sequence[Second], merged: Sequence[Merged]) -> Beneath:
    """Return what the kernel's and the stage's counters say; `merged` are the same seconds."""
    strays = [float(sum(one.strays for one in second.stages)) for second in seconds]
    speakers = [sum(one.speakers for one in second.stages) for second in seconds]
    found = _handshakes([one.kernel for one in merged], [one.guard for one in seconds])
    total = sum(strays)
    if not _are_sprayed(strays, speakers):
        return msgspec.structs.replace(found, strays=total)
    said = f"about {total:,.0f} datagrams at media ports from nobody who speaks"
    return Beneath(Told.YES, found.unfinished, total, (*found.because, said))


def unanswered(kernel: Mapping[str, int]) -> float:
    """Return how many answers to a SYN nobody answered in a second, or could not be given.

    A handshake that is never finished is one, again and again (`_AGAIN_TIMES`), or with a SYN
    cookie once. A finished one that the accept queue has no room for is an overflow, and none.
    """
    again = kernel.get("syn_acks_again", 0)
    cookies = kernel.get("syn_cookies", 0) - kernel.get("syn_cookies_good", 0)
    dropped = kernel.get("listen_drops", 0) - kernel.get("listen_overflows", 0)
    return float(again + max(0, cookies) + max(0, dropped))


def _handshakes(kernel: Sequence[Mapping[str, int]], guard: Sequence[Mapping[str, int]]) -> Beneath:
    lost = [unanswered(one) for one in kernel]
    guarded = [float(one.get("syn", 0)) for one in guard]
    full = [one.get("listen_overflows", 0) > 0 for one in kernel]
    finished = [float(one.get("handshakes", 0)) for one in kernel]
    before: deque[float] = deque(maxlen=_BEFORE_S)  # who came while nothing was unusual
    told = Told.NO
    for n in range(_WINDOW_S - 1, len(kernel)):
        window = slice(n + 1 - _WINDOW_S, n + 1)
        some, came = sum(lost[window]), sum(finished[window])
        least = max(_UNANSWERED_PER_S * _WINDOW_S, _OF_FINISHED * came)
        if some + sum(guarded[window]) < least:
            before.append(finished[n])
            continue
        told = Told.UNTOLD
        # An accept queue that is full lets finished handshakes hang as if they were unanswered.
        was_full = any(full[max(0, n - _LASTS_S) : n + 1])
        usual = _WINDOW_S * sum(before) / max(1, len(before))
        others_come = len(before) >= _WINDOW_S and came > 0 and came >= _STILL_COME * usual
        is_all_of_it = some >= least and min(lost[window]) >= _UNANSWERED_PER_S
        if is_all_of_it and not was_full and others_come:
            told = Told.YES
            break
    again = sum(one.get("syn_acks_again", 0) for one in kernel)
    total = sum(lost) - again + again / _AGAIN_TIMES + sum(guarded)
    said = f"about {total:,.0f} handshakes that nobody finished"
    if told is Told.UNTOLD:
        said += ", while fewer than before finished theirs, or our queue was full"
    return Beneath(told, round(total, 1), because=() if told is Told.NO else (said,))


def _are_sprayed(strays: Sequence[float], speakers: Sequence[int]) -> bool:
    """Say whether media ports were sent more than all who spoke of late can have sent."""
    for n in range(_STRAYS_S - 1, len(strays)):
        most = max(speakers[max(0, n - _LASTS_S) : n + 1])
        least = _STRAYS_PER_S + _STRAYS_PER_SPEAKER * most
        if min(strays[n + 1 - _STRAYS_S : n + 1]) >= least:
            return True
    return False
