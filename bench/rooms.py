#!/usr/bin/env python
"""What listeners cost and what rooms cost: the same listeners in one room and in a thousand.

    bench/rooms.py [--rooms 1 1000] [--listeners 0 2000 8000 16000 32000] [--seconds 8]
                   [--lane-ms 960] [--edges 2] [--clumps 8] [--keep docs/benchmarks]

Edges as in production, one rendition, parts at real time in every room. CPU is the edges' alone,
from /proc, while nobody joins or leaves. To all that was measured a sum is fitted: so much a
listener, so much a room on the air, so much a room that is listened to, and so much for each
room times its listeners, which should be nothing.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from crowd import Crowds
from ground import Ground, ground, machine
from rooms_page import page, plot

from stentor.edge.limits import WINDOW_PARTS
from stentor.feed.wire import Kind, Message
from stentor.media.grid import PART_S, PART_SAMPLES
from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from stentor.rooms.state import RoomState, encode_state
from stentor.trials.kernel import own_bytes
from support.programme import FeedThread, Programme, init_of, part_of
from support.steps import steps

_RENDITION = RENDITIONS["aac48"]
_OLD_PARTS = WINDOW_PARTS  # a window that still grows costs memory, and so time
_FEED_PARTS = 96  # what a feed keeps of each room for an edge that comes later
_SETTLE_S = 2.0
_COUNTED_LISTENERS = (2_000, 8_000)


class ManyRooms(Programme):
    """So many rooms with the same programme, whose parts come in so many clumps a part's time.

    Rooms that begin on whole seconds have eight: seconds and parts meet every 40 ms.
    """

    def __init__(self, feed: FeedThread, epoch_ms: int, *, count: int, clumps: int) -> None:
        super().__init__(feed, epoch_ms=epoch_ms)
        self.names = [f"room-{number}" for number in range(count)]
        self._clumps = min(clumps, count)

    def open_doors(self) -> None:
        init = init_of(_RENDITION)
        self._publish(
            Message(Kind.INIT, name, _RENDITION.name, payload=init) for name in self.names
        )

    def state(self, phase: Phase, **more: object) -> None:
        states = [RoomState(name, name, phase, self.epoch_ms, revision=1) for name in self.names]
        self._publish(Message(Kind.STATE, one.room, payload=encode_state(one)) for one in states)

    def parts(self, count: int) -> None:
        """Publish; what is old already comes at once, one part at real time in its clumps."""
        for _ in range(count):
            data = part_of(_RENDITION, self.next)
            begun_s = time.monotonic()
            for clump in range(self._clumps):
                if count == 1:
                    due_s = begun_s + clump / self._clumps * PART_S
                    time.sleep(max(0.0, due_s - time.monotonic()))
                self._publish(
                    Message(
                        *(Kind.PART, name, _RENDITION.name, self.next),
                        *(self.next * PART_SAMPLES, data),
                    )
                    for name in self.names[clump :: self._clumps]
                )
            self.next += 1

    def _publish(self, messages: Iterator[Message]) -> None:
        self.feed.publish_all(messages)


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured at once."""

    rooms: int
    listeners: int
    heard: float  # pairs of a room and an edge where somebody listens to it
    cpu_share: float  # of one core
    deliveries_per_s: float
    own_bytes: int  # of all edges


def measure(at: Ground, rooms: int, listeners: int, seconds: float) -> Point:
    """Return what it costs while nothing changes."""
    sent, spent_s, began_s = at.counted("deliveries"), at.cpu_s(), time.monotonic()
    time.sleep(seconds)
    spent_s, passed_s = at.cpu_s() - spent_s, time.monotonic() - began_s
    sent = (at.counted("deliveries") - sent) / (time.monotonic() - began_s)  # a busy edge tarries
    own = sum(map(own_bytes, at.pids))
    edges = len(at.pids)  # the kernel throws dice for each connection
    heard = rooms * edges * (1 - (1 - 1 / edges) ** (listeners / rooms))
    return Point(rooms, listeners, heard, spent_s / passed_s, sent, own)


def points(wish: argparse.Namespace, rooms: int) -> Iterator[Point]:
    """Measure one number of rooms under more and more listeners."""

    def make(feed: FeedThread, epoch_ms: int) -> ManyRooms:
        return ManyRooms(feed, epoch_ms, count=rooms, clumps=wish.clumps)

    with ground(
        wish.edges,
        make=make,
        old_parts=_OLD_PARTS,
        edge_lane_ms_min=wish.lane_ms,
        edge_lane_ms_max=wish.lane_ms,
    ) as at:
        assert isinstance(at.programme, ManyRooms)
        wanted = f"live.mp4?rendition={_RENDITION.name} HTTP/1.1\r\nHost: a\r\n\r\n"
        requests = [f"GET /r/{name}/{wanted}".encode() for name in at.programme.names]
        with Crowds(at, requests) as crowds:
            at.has_parts(rooms * _FEED_PARTS)
            for listeners in sorted(wish.listeners):
                if not crowds.grow_to(listeners):
                    print(f"{listeners} listeners were not let in: is the machine busy?")
                    return
                time.sleep(_SETTLE_S + wish.lane_ms / 1000)
                yield measure(at, rooms, listeners, wish.seconds)


def counts(rooms: Iterable[int]) -> list[dict[str, int]]:
    """Return what one delivery takes in calls and the interpreter's steps: exact, anywhere."""
    found = []
    for some in sorted(rooms):
        for listeners in _COUNTED_LISTENERS:
            with tempfile.TemporaryDirectory(prefix="stentor-bench-") as root:
                took = steps(Path(root), some, listeners)
            found.append({"rooms": some, "listeners": listeners, **asdict(took)})
    return found


def fit(found: list[Point]) -> dict[str, float]:
    """Return what each costs, µs of CPU a second, and how far the sum is from what was measured."""
    costs = np.array([one.cpu_share * 1e6 for one in found])
    terms = {
        "alone": [1.0 for _ in found],
        "room": [one.rooms for one in found],
        "heard": [one.heard for one in found],
        "listener": [one.listeners for one in found],
    }
    product = [one.rooms * one.listeners for one in found]
    columns = np.array([*terms.values(), product], dtype=float).T
    without = np.linalg.lstsq(columns[:, :-1], costs, rcond=None)[0]
    with_it = np.linalg.lstsq(columns, costs, rcond=None)[0]
    off, left = columns[:, :-1] @ without - costs, columns @ with_it - costs
    freedom = max(1, len(found) - columns.shape[1])
    errors = np.sqrt(np.diag(np.linalg.pinv(columns.T @ columns)) * (left @ left) / freedom)
    most = int(np.argmax(product))
    return {
        **{f"{name}_us_per_s": float(value) for name, value in zip(terms, without, strict=True)},
        "off_rms_us_per_s": float(np.sqrt(np.mean(off**2))),
        "off_max_us_per_s": float(np.max(np.abs(off))),
        "r2": float(1 - off @ off / np.sum((costs - costs.mean()) ** 2)),
        "product_us_per_s": float(with_it[-1]),
        "product_error_us_per_s": float(errors[-1]),
        "product_share": float(with_it[-1] * product[most] / costs[most]),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rooms", type=int, nargs="+", default=[1, 1000])
    options.add_argument(
        "--listeners", type=int, nargs="+", default=[0, 2000, 8000, 16_000, 32_000]
    )
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--lane-ms", type=int, default=960)
    options.add_argument("--edges", type=int, default=2, help="each holds 19,500 listeners")
    options.add_argument("--clumps", type=int, default=8, help="of a part's time; see ManyRooms")
    options.add_argument("--keep", type=Path, help="a folder for rooms.md, .svg and .json")
    wish = options.parse_args()
    found: list[Point] = []
    for rooms in wish.rooms:
        for one in points(wish, rooms):
            found.append(one)
            print(
                f"{one.rooms:5} rooms {one.listeners:6} listeners: {one.cpu_share:6.1%} of a core,"
                f" {one.deliveries_per_s:6.0f} deliveries a second,"
                f" {one.own_bytes / 1e6:.0f} MB",
                flush=True,
            )
    told = {
        "machine": machine(),
        "edges": wish.edges,
        "lane_ms": wish.lane_ms,
        "seconds": wish.seconds,
        "clumps": wish.clumps,
        "window_bytes": round(
            WINDOW_PARTS * PART_S * sum(one.bitrate for one in RENDITIONS.values()) / 8
        ),
        "points": [asdict(one) for one in found],
        "fit": fit(found),
        "counts": counts(wish.rooms),
    }
    print(json.dumps(told["fit"], indent=1))
    if wish.keep:
        (wish.keep / "rooms.json").write_text(json.dumps(told, indent=1) + "\n")
        (wish.keep / "rooms.svg").write_text(plot(told))
        (wish.keep / "rooms.md").write_text(page(told, " ".join(["bench/rooms.py", *sys.argv[1:]])))


if __name__ == "__main__":
    main()
