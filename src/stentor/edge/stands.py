"""How somebody stands, as they are told: number, how many are ahead, the wait, when to ask again.

From the sheet and from what the board has counted since that was written. Decides nothing.
"""

from collections.abc import Callable

from stentor.admission.line import WAIT_S_MAX, Knot, Sheet, poll_s
from stentor.edge.board import Board
from stentor.edge.connection import Connection
from stentor.edge.placing import place_answer

_COMES_S = 0.5  # from one's turn to being in, as pages ask
_KEPT_S = 3.0  # who asks again so soon keeps the connection; a crowd's would be too many

Stood = tuple[int, int, float, float]


class Stands:
    """Reads the sheet for one edge."""

    def __init__(self, board: Board, chance: Callable[[], float]) -> None:
        self._board = board
        self._chance = chance

    def in_line(self, sheet: Sheet, place_ms: int, now_ms: int) -> Stood:
        """Return it of a place in line."""
        given = self._board.places() - sheet.totals.places
        return self._told(sheet, sheet.stand(place_ms, now_ms, given), sheet.served)

    def on_standby(self, sheet: Sheet, place_ms: int, now_ms: int) -> Stood:
        """Return it of a place on standby."""
        given = self._board.stand_by() - sheet.standby.given
        return self._told(sheet, sheet.stand_by(place_ms, now_ms, given), sheet.standby.served)

    def _told(self, sheet: Sheet, stand: Knot, served: float) -> Stood:
        ahead = max(0, stand.number - 1 - round(served))
        again_s = poll_s(stand.wait_s, sheet.poll_s_min, self._chance())
        return stand.number, ahead, min(WAIT_S_MAX, stand.wait_s + _COMES_S), again_s


def tell(connection: Connection, text: str, place_ms: int, stood: Stood, more: str = "") -> None:
    """Refuse somebody with how they stand and their ticket, `text`."""
    request = connection.request
    assert request is not None
    room = request.path.split("/", 3)[2]
    number, ahead, wait_s, again_s = stood
    keep = connection.keeps(parting=again_s > _KEPT_S)
    data = place_answer(room, text, place_ms, number, ahead, wait_s, again_s, keep=keep, more=more)
    connection.refuse(data, keep=keep)
