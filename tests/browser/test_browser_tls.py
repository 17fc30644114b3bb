"""A server with its own certificate: the room page and `stentor listen`, over TLS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from support.ears import hears, open_room, until
from support.programs import needs_program
from support.server import COMMAND, RoomMade, Server, serving
from support.tls import Pair
from support.voices import speaking

A = 440.0


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Pair(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("serve"), settings=pair.settings) as one:
        yield one


@pytest.fixture(scope="module")
def live(server: Server, tones: tuple[Path, Path]) -> Iterator[RoomMade]:
    room = server.create_room("In confidence", in_s=1.5, host_name="Ada", speakers=0)
    with speaking(tones[0], room.link("host"), "--loop"):
        yield room


@needs_program("chromium")
async def test_browser_plays_over_tls(browser: Browser, server: Server, live: RoomMade) -> None:
    assert server.addresses["listen"].startswith("https://localhost:")
    context = await browser.new_context(ignore_https_errors=True)
    page = await context.new_page()
    insecure: list[str] = []
    page.on("request", lambda asked: asked.url.startswith("http:") and insecure.append(asked.url))
    await open_room(page, live.url())
    await hears(page, A, 15)
    await until(page, "stentor.player.following")
    assert await page.evaluate("isSecureContext")
    assert not insecure


def test_command_line_listens_over_tls_and_distrusts_strangers(
    server: Server, live: RoomMade, pair: Pair
) -> None:
    command = [*COMMAND, "listen", live.url(), "--json", "--seconds"]
    trusting = os.environ | {"SSL_CERT_FILE": str(pair.certificate)}
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "60"], stdout=pipe, stderr=pipe, text=True) as wary:
        heard = subprocess.run(
            [*command, "5"], capture_output=True, text=True, timeout=60, env=trusting
        )
        assert heard.returncode == 0, heard.stderr
        found = json.loads(heard.stdout)
        assert found["gaps"] == 0
        assert found["parts"] > 5
        _, complaint = wary.communicate(timeout=60)  # it gives up long before its minute is over
        assert wary.returncode != 0
        assert "certificate" in complaint.lower()


def test_server_without_a_good_certificate_says_so_and_does_not_start(tmp_path: Path) -> None:
    pair, other = Pair(tmp_path / "one"), Pair(tmp_path / "other")
    for settings in (
        {"tls_certificate": str(pair.certificate)},
        {"tls_certificate": str(pair.certificate), "tls_key": str(other.key)},
        {"forwarded_from": "everybody"},
    ):
        one = Server(tmp_path / "data", settings=settings)
        one.spawn()
        assert one.process is not None
        assert one.process.wait(20) not in (0, -signal.SIGTERM)
        assert one.process.stdout is not None
        one.process.stdout.close()
        assert next(iter(settings)).split("_")[0] in one.log().lower()
        assert "Traceback" not in one.log()
