"""The push stream, read as the web player reads it: one request, connect again when it breaks.

It knows when to give up and when to try again; what was heard is judged in `heard`.
"""

from collections.abc import Callable

from stentor.base.errors import StentorError, UnavailableError
from stentor.listen.heard import Heard
from stentor.listen.http import Interrupted, Unknown, get
from stentor.listen.limit import Limit
from stentor.media.boxes import BoxStream, MalformedBox
from stentor.rooms.orders import Phase

SILENCE_LIVE_S = 3.0  # a part comes every 0.32 s
SILENCE_WAITING_S = 25.0  # a heartbeat comes every 10 s
RETRY_FIRST_S = 0.1
RETRY_S_MAX = 2.0
TRIES_UNKNOWN = 3  # a room made this moment is known at every edge within half a second
TRIES_BEFORE_FIRST = 5  # an address where nobody has ever answered


def listen_push(url: str, heard: Heard, now_ns: Callable[[], int], limit: Limit) -> None:
    """Listen until the room has ended or the limit is reached; come back whenever it breaks."""
    retry_s, failures = RETRY_FIRST_S, 0
    while not limit.reached():
        parts_before = heard.findings.parts
        try:
            _one_connection(url, heard, now_ns, limit)
            if heard.state is not None and heard.state.phase is Phase.ENDED:
                return
        except Unknown:
            failures += 1
            if failures > TRIES_UNKNOWN:
                raise
        except Interrupted as error:
            failures += 1
            if heard.findings.connections == 0 and failures >= TRIES_BEFORE_FIRST:
                raise UnavailableError(f"{url} cannot be reached: {error}.") from None
        if heard.findings.parts > parts_before:
            retry_s, failures = RETRY_FIRST_S, 0
        limit.sleep(retry_s)
        retry_s = min(RETRY_S_MAX, retry_s * 2)


def _one_connection(url: str, heard: Heard, now_ns: Callable[[], int], limit: Limit) -> None:
    def patience_s() -> float:
        live = heard.state is not None and heard.state.phase is Phase.LIVE
        return limit.at_most(SILENCE_LIVE_S if live else SILENCE_WAITING_S)

    stream = BoxStream()
    with get(url) as answer:
        heard.connected()
        for data in answer.pieces(patience_s):
            try:
                boxes = stream.feed(data)
            except MalformedBox as error:
                raise StentorError(f"{url} is not a stream of audio: {error}.") from None
            for one in boxes:
                heard.take(one, now_ns())
            if limit.reached():
                return
