"""Where a stream stands, and what bytes lead from there to where. Pure.

All who stand at the same place of the same programme are due the same bytes. What bytes mean is
worked out for the first who gets them and remembered as a step from one `Node` to the next: the
others compare (memcmp) and follow, whatever pieces the bytes come in. A listener's whole state as
a reader is thus one reference. Steps are forgotten after a few seconds, so memory is bounded by
how far listeners are apart, not by how long a load lasts.
"""

from collections import deque

import msgspec

from stentor.admission.events import (
    ADVICE_SCHEME,
    RETURN_SCHEME,
    Advice,
    ReturnTicket,
)
from stentor.load.reading import JUMP_SCHEME, BrokenStream, Head, read_head
from stentor.load.skim import Skimmed, skim
from stentor.media.grid import PART_S, PART_SAMPLES, SAMPLE_RATE
from stentor.rooms.state import EMSG_SCHEME, decode_room_state

PART_NS = PART_SAMPLES * 1_000_000_000 // SAMPLE_RATE
_REMEMBERED_NS = 5_000_000_000
_VARIANTS_MAX = 128  # what differs from edge to edge: return tickets
_HEADS_MAX = 256
HEAD_BYTES = 256  # of a delivery: its chunk's length, and its fragment's number, place and count


class Node(dict[int, "Step"]):
    """A place in a stream; as a mapping, the step that bytes of some length were last seen to be.

    `position` is the next part, −1 before the first; `tail` what has come of an unfinished chunk;
    `heads` the steps that are just one delivery, by how it begins.
    """

    __slots__ = ("head", "heads", "others", "position", "tail")

    def __init__(self, head: Head | None, position: int, tail: bytes) -> None:
        super().__init__()
        self.head = head
        self.position = position
        self.tail = tail
        self.heads: dict[bytes, Step] = {}
        self.others: dict[bytes, Step] = {}  # by the news that went before the step's bytes

    def forget(self) -> None:
        """Drop what leads on from here."""
        self.clear()
        self.heads.clear()
        self.others.clear()


class Step:
    """What some bytes mean to whoever stands at a node."""

    __slots__ = (
        "advice",
        "data",
        "due_ns",
        "ended",
        "first",
        "gained_ns",
        "gaps",
        "jumps",
        "node",
        "parts",
        "plain",
        "repeated",
        "ticket",
    )

    def __init__(self, data: bytes, node: Node) -> None:
        self.data = data
        self.node = node
        self.plain = False  # parts, each the next one of the last, and perhaps a ticket
        self.first = -1
        self.parts = 0
        self.gained_ns = 0  # how long they play
        self.due_ns = 0  # when the last of them was made, monotonic; 0: not known
        self.gaps = 0
        self.jumps = 0
        self.repeated = 0
        self.ended = False
        self.ticket: ReturnTicket | None = None
        self.advice: Advice | None = None


class Course:
    """What one process's listeners have been sent so far."""

    def __init__(self) -> None:
        self.start = Node(None, -1, b"")
        self.epoch_ms: int | None = None
        self.wall_ahead_ns = 0  # wall clock − monotonic clock; kept up to date by whoever has both
        self._nodes: dict[tuple[int, str, float | None], Node] = {}
        self._aging: deque[tuple[int, Node]] = deque()
        self._heads: dict[bytes, Head] = {}

    def known(self, node: Node, data: bytes) -> Step | None:
        """Return what `data` means at `node` if that has been worked out."""
        step = node.get(len(data))
        if step is not None and step.data == data:
            return step
        if node.others:
            end = _news_end(data)
            step = node.others.get(data[:end])
            if (
                step is not None
                and len(data) == end + len(step.data)
                and data.startswith(step.data, end)
            ):
                return step
        return None

    def follow(self, node: Node, data: bytes, now_ns: int, *, remember: bool = True) -> Step:
        """Return what `data` means at `node`; raises `BrokenStream`."""
        if not remember or node.head is None:  # welcomes: every joiner's may be another one
            return self._read(node, data, now_ns, share=remember)
        step = self.known(node, data)
        if step is not None:
            return step
        end = 0 if node.tail else _news_end(data)
        if 0 < end < len(data):
            step = self._with_news(data[:end], self.follow(node, data[end:], now_ns))
            if len(node.others) >= _VARIANTS_MAX:
                node.others.clear()
            node.others[data[:end]] = step
            return step
        step = self._read(node, data, now_ns, share=True)
        if len(node) >= _VARIANTS_MAX:
            node.forget()
        if not node:
            self._aging.append((now_ns, node))
        node[len(data)] = step
        if _is_delivery(node, step):
            node.heads[data[:HEAD_BYTES]] = step
        return step

    def forget(self, now_ns: int) -> None:
        """Drop what was remembered some seconds ago."""
        limit_ns = now_ns - _REMEMBERED_NS
        aging = self._aging
        if not aging or aging[0][0] >= limit_ns:
            return
        while aging and aging[0][0] < limit_ns:
            aging.popleft()[1].forget()
        alive = {id(node) for _, node in aging}
        for key in [key for key, node in self._nodes.items() if id(node) not in alive]:
            del self._nodes[key]

    def due_ns(self, position: int) -> int:
        """Return when the part before `position` was made, monotonic; 0 if it is not known."""
        if self.epoch_ms is None or position < 0:
            return 0
        return self.epoch_ms * 1_000_000 + position * PART_NS - self.wall_ahead_ns

    def _with_news(self, news: bytes, body: Step) -> Step:
        """What an edge says to a lane goes before a delivery that is the same from every edge."""
        step = Step(body.data, body.node)
        for name in ("first", "parts", "gained_ns", "due_ns", "gaps", "jumps", "repeated", "ended"):
            setattr(step, name, getattr(body, name))
        self._listen(step, skim(news))
        step.ended = body.ended
        step.plain = body.plain and not step.jumps and step.advice is None
        return step

    def _at(self, head: Head, position: int, tail: bytes, now_ns: int, *, share: bool) -> Node:
        if tail or not share:
            return Node(head, position, tail)
        key = (position, head.rendition, head.period_s)
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Node(head, position, b"")
            self._aging.append((now_ns, node))
        return node

    def _head(self, data: bytes) -> Head | None:
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return read_head(data)
        text = data[:end]
        head = self._heads.get(text)
        if head is None:
            head = read_head(text)
            assert head is not None
            if len(self._heads) >= _HEADS_MAX:
                self._heads.clear()
            self._heads[text] = head
        return head

    def _read(self, node: Node, data: bytes, now_ns: int, *, share: bool) -> Step:
        whole = node.tail + data if node.tail else data
        head, at = node.head, 0
        if head is None:
            head = self._head(whole)
            if head is None:
                return Step(data, Node(None, node.position, whole))
            at = head.length
        if head.status != 200:
            return Step(data, Node(head, node.position, whole[at:]))
        said = skim(whole, at)
        step = Step(data, node)
        position = _count(step, said, node.position)
        self._listen(step, said)
        step.node = self._at(head, position, whole[said.used :], now_ns, share=share)
        step.gained_ns = step.parts * PART_NS
        if step.parts:
            due_ns = self.due_ns(position)
            step.due_ns = min(due_ns, now_ns) if due_ns else 0
        step.plain = node.position >= 0 and not (
            step.gaps
            or step.jumps
            or step.repeated
            or step.ended
            or (step.parts and not step.due_ns)
            or step.advice is not None
        )
        return step

    def _listen(self, step: Step, said: Skimmed) -> None:
        step.ended = said.ended
        try:
            for event in said.events:
                match event.scheme:
                    case str(scheme) if scheme == EMSG_SCHEME:
                        self.epoch_ms = decode_room_state(event.data).epoch_ms
                    case str(scheme) if scheme == JUMP_SCHEME:
                        step.jumps += 1
                    case str(scheme) if scheme == RETURN_SCHEME:
                        step.ticket = msgspec.json.decode(event.data, type=ReturnTicket)
                    case str(scheme) if scheme == ADVICE_SCHEME:
                        step.advice = msgspec.json.decode(event.data, type=Advice)
        except ValueError as error:
            raise BrokenStream(f"An event is damaged: {error}.") from None
        if step.jumps:
            step.gaps = 0  # it was told


def _is_delivery(node: Node, step: Step) -> bool:
    """Say whether a step is one delivery of a lane, neither more nor less."""
    return (
        step.plain
        and node.head is not None
        and step.gained_ns == round((node.head.period_s or 0.0) * 1e9)
        and len(step.data) > HEAD_BYTES
        and not (node.tail or step.node.tail)
    )


def _news_end(data: bytes) -> int:
    """Return where a first chunk that is nothing but events ends, 0 if the data begin otherwise.

    A chunk that begins with an event may hold a part too: a new state comes with the next part.
    """
    line_end = data.find(b"\r\n", 0, 6)
    if line_end < 0:
        return 0
    try:
        at, stop = line_end + 2, line_end + 2 + int(data[:line_end], 16)
    except ValueError:
        return 0
    if not at < stop <= len(data):
        return 0
    while at < stop:
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8 or data[at + 4 : at + 8] != b"emsg":
            return 0
        at += size
    return stop + 2 if at == stop else 0


def _count(step: Step, said: Skimmed, position: int) -> int:
    """Set what the fragments mean to a listener at `position`; return where it stands then."""
    for first, parts in said.runs:
        stop = first + parts
        if position >= 0:
            if stop <= position:
                step.repeated += parts
                continue
            if first < position:
                step.repeated += position - first
                first = position
            step.gaps += first > position
        if step.first < 0:
            step.first = first
        step.parts += stop - first
        position = stop
    return position


__all__ = ["PART_NS", "PART_S", "Course", "Node", "Step"]
