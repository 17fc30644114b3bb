"""Tickets that are not good: forged, cut, used twice, shown by others, in another room, too late.

Whoever forges has no key. Expired ones are the exception: they were good once, so the operator's
own key, where it is given, writes them as they would have been. Pure; chance is seeded.
"""

import base64
import random

from stentor.admission.tickets import NO_NETWORK, TICKET_CHARACTERS, Kind, Ticket, Tickets
from stentor.load.attacks.aim import Aim
from stentor.load.attacks.conduct import Plain
from stentor.load.attacks.visit import Later, Visit
from stentor.load.line import read_in_line

_BYTES = TICKET_CHARACTERS * 6 // 8
_KEPT = 256  # genuine tickets that are shown again and again
_LONG_AGO_S = 1_600_000_000


class TicketForgery(Plain):
    """Shows tickets that are not good, and some good ones in places where they are not."""

    def __init__(self, aim: Aim, chance: random.Random, sources: int) -> None:
        super().__init__(aim, chance, sources)
        self.expired: list[str] = []
        self._genuine: list[str] = []
        self._whose = {"": 0}

    def give_key(self, key: bytes) -> None:
        """Write tickets that ran out long ago."""
        tickets = Tickets(key)
        for serial in range(1, 17):
            ticket = Ticket(
                Kind.REMINDER, 0, serial, _LONG_AGO_S * 1000, _LONG_AGO_S, _LONG_AGO_S, NO_NETWORK
            )
            self.expired.append(tickets.write(ticket, self.aim.room))

    def visit(self, number: int) -> Visit:
        """Return one with a ticket that is not good; now and then ask for one honestly."""
        chance, source = self.chance, self.source(number)
        kinds = ["forged", "malformed", "asked"]
        if self.expired:
            kinds.append("expired")
        if self._genuine:
            kinds += ["replayed", "stolen", "other-room"]
        kind = kinds[number % len(kinds)]
        if kind == "asked":
            return Visit(source, self.aim.request(self.stream), kind=kind)
        room = self.aim.other_room if kind == "other-room" else self.aim.room
        text, source = self._ticket(kind, source, chance)
        path = f"/r/{room}/live.mp4?rendition={self.aim.rendition}&ticket={text}"
        return Visit(source, self.aim.request(path), kind=kind)

    def heard(self, visit: Visit, status: int, body: bytes) -> Later | None:
        """Keep a good ticket, to use it badly."""
        said = read_in_line(body) if status == 503 else None
        if said is not None and said.ticket not in self._whose and len(self._genuine) < _KEPT:
            self._genuine.append(said.ticket)
            self._whose[said.ticket] = visit.source
        return None

    def _ticket(self, kind: str, source: int, chance: random.Random) -> tuple[str, int]:
        match kind:
            case "malformed":
                return "".join(chance.choices("ABCDEFGHabcdefgh0123456789-_", k=40)), source
            case "expired":
                return chance.choice(self.expired), source
            case "forged":
                return self._forged(chance), source
        text = chance.choice(self._genuine)
        return text, self._whose[text] if kind == "replayed" else source

    def _forged(self, chance: random.Random) -> str:
        """Return one that looks right: a genuine one's body if there is one, and a wrong seal."""
        if self._genuine:
            data = base64.urlsafe_b64decode(chance.choice(self._genuine))
        else:
            data = bytes((1, Kind.LINE, 0)) + chance.randbytes(_BYTES - 3)
        return base64.urlsafe_b64encode(data[:-16] + chance.randbytes(16)).decode()
