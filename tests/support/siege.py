"""A whole server at the near end of a cable, and those who do nothing but wrong from the far end.

with besieged(tmp_path) as siege:
    siege.now()["shield"]["bans"]       # as the operator's page has it
    siege.attackers[SOURCE].unreached   # how often a connection from there came to nothing
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from stentor.base.secrets import load_secret, operator_token
from stentor.shield.keys import EventKey
from stentor.shield.policy import Ban
from support.listeners import Ear, listening
from support.namespaces import NEAR, NEAR6, Cable, Namespace, cable
from support.server import COMMAND, Server

LISTENER = "203.0.113.8"
AT_ONCE = 8
BETWEEN_S = 0.1  # so no attacker comes more than 80 times a second
CONNECTS_S = 1.0  # a first packet that is dropped is sent again after a second (RFC 6298)
ANSWERED_S = 30.0
LISTENS_S = 600.0  # longer than all tests together may take
_IP_BIND_ADDRESS_NO_PORT = 24  # the port is chosen when it connects: linux/in.h
NONSENSE = b"\x16\xfe\xfd nothing that a player says\r\n\r\n"


class Attacker:
    """Says nonsense from one address, again and again, and counts how that ends."""

    def __init__(self, far: Namespace, source: str, port: int) -> None:
        self.source = source
        self._to = (NEAR6 if ":" in source else NEAR, port)
        self.answered = 0  # with a refusal
        self.cut = 0  # taken by the kernel, and closed without a word
        self.unreached = 0  # no connection came about
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._attack, daemon=True)
        with far.entered():  # threads are where they were begun
            self._thread.start()

    @property
    def packed(self) -> bytes:
        family = socket.AF_INET6 if ":" in self.source else socket.AF_INET
        return socket.inet_pton(family, self.source)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _attack(self) -> None:
        while not self._over.wait(BETWEEN_S):
            with contextlib.ExitStack() as stack:
                some = [stack.enter_context(self._begun()) for _ in range(AT_ONCE)]
                until_s = time.monotonic() + CONNECTS_S
                for one in some:
                    self._goes_on(one, until_s)

    def _begun(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.source else socket.AF_INET
        begun = socket.socket(family, socket.SOCK_STREAM)
        begun.setblocking(False)
        begun.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        begun.bind((self.source, 0))
        begun.connect_ex(self._to)
        return begun

    def _goes_on(self, begun: socket.socket, until_s: float) -> None:
        waiting = select.poll()
        waiting.register(begun, select.POLLOUT)
        if not waiting.poll(max(0.0, until_s - time.monotonic()) * 1000):
            self.unreached += 1
            return
        begun.settimeout(ANSWERED_S)
        with contextlib.suppress(OSError):
            begun.sendall(NONSENSE)
            if begun.recv(1000).startswith(b"HTTP/1.1 4"):
                self.answered += 1
                return
        self.cut += 1


@dataclass
class Siege:
    """A server with its watch, one who listens, and attackers by their addresses."""

    link: Cable
    server: Server
    ear: Ear
    attackers: dict[str, Attacker]

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Ask the watch, as the operator's page does."""
        token = operator_token(self.server.folder)
        with self.link.near.entered():
            answer = httpx.request(
                method,
                self.server.watch_url(path),
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
                **more,
            )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def now(self) -> Any:
        return self.ask("GET", "/api/now")

    def ban_of(self, source: str) -> Ban | None:
        """Return the ban of who attacks from there, as the page shows it."""
        key = EventKey(load_secret(self.server.folder.event_key) or b"")
        name = key.names(self.attackers[source].packed)[0]
        bans = [one for one in self.now()["shield"]["bans"] if one["network"] == name]
        return Ban(**bans[0]) if bans else None


@contextlib.contextmanager
def besieged(tmp_path: Path, *sources: str, **settings: object) -> Iterator[Siege]:
    """Start a server, let one listen, and have it attacked from each of these addresses."""
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(cable([LISTENER, *sources]))
        # Who says no address of their own comes from this one.
        link.far.run("ip", "route", "replace", f"{NEAR}/32", "dev", "far0", "src", LISTENER)
        server = Server(
            tmp_path / "data",
            settings={"bind": "::", **settings},
            command=tuple(link.near.command(*COMMAND, "serve")),
        )
        stack.callback(server.stop)
        server.start()
        attackers = {source: Attacker(link.far, source, server.port) for source in sources}
        for attacker in attackers.values():
            stack.callback(attacker.stop)
        with link.near.entered():
            room = server.create_room("Hall", in_s=0)
        url = f"http://{NEAR}:{server.port}/r/{room.id}"
        with link.far.entered():
            (ear,) = stack.enter_context(listening(url, seconds=LISTENS_S))
        ear.wait_parts(1)
        yield Siege(link, server, ear, attackers)
