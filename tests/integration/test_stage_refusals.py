"""Bad input at the stage's door: a clear refusal, and the conversation goes on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from prometheus_client.parser import text_string_to_metric_families

from stentor.stage.peer import _NoTrack
from stentor.stage.serve import CONNECTIONS_MAX
from support.bad_network import strength, tone
from support.stage import FeedEars, StageRunning, Talker, orders_of, stage_running, until


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StageRunning]:
    with stage_running(tmp_path_factory.mktemp("stage"), "ada", "ben", "cid") as running:
        running.order(
            orders_of("ada", room="over", epoch_ms=running.now_ms - 2, end_ms=running.now_ms - 1)
        )
        running.change_seat("room", "cid", revoked=True)
        yield running


@pytest.fixture
async def client(stage: StageRunning) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stage.base) as client:
        yield client


async def offer(video: bool = False) -> str:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver(_NoTrack(), direction="sendrecv")
    if video:
        connection.addTransceiver("video", direction="sendonly")
    await connection.setLocalDescription(await connection.createOffer())
    text = connection.localDescription.sdp
    await connection.close()
    return text


@pytest.mark.parametrize("endpoint", ["whip", "talk"])
@pytest.mark.parametrize(
    ("room", "seat", "expires_in_ms", "status"),
    [
        ("nowhere", "ada", 60_000, 404),
        ("over", "ada", 60_000, 403),  # a link for another room
        ("room", "ada", -1, 401),
        ("room", "nobody", 60_000, 403),
        ("room", "cid", 60_000, 403),
    ],
)
async def test_links_that_are_no_good_get_a_problem_document(
    stage: StageRunning,
    client: httpx.AsyncClient,
    endpoint: str,
    room: str,
    seat: str,
    expires_in_ms: int,
    status: int,
) -> None:
    token = stage.token(seat, expires_in_ms=expires_in_ms)
    response = await client.post(
        f"/{endpoint}/{room}",
        content=await offer(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"},
    )
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"].startswith("urn:stentor:problem:")


async def test_an_ended_room_is_gone(stage: StageRunning, client: httpx.AsyncClient) -> None:
    headers = {
        "Authorization": f"Bearer {stage.token('ada', 'over')}",
        "Content-Type": "application/sdp",
    }
    assert (await client.post("/whip/over", content=await offer(), headers=headers)).is_error
    assert (
        await client.post("/whip/over", content=await offer(), headers=headers)
    ).status_code == 410


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/sdp", 400),
        (b"not sdp", "application/sdp", 400),
        (b"v=0\r\nm=audio\r\na=rtpmap:1 opus/48000/2\r\n", "application/sdp", 400),
        (b"v=0\r\n" + b"a=" + b"x" * 70_000, "application/sdp", 413),
        (b"{}", "application/json", 415),
        (b"v=0\r\n", "", 415),
    ],
)
async def test_offers_that_are_no_good_get_a_problem_document(
    stage: StageRunning, client: httpx.AsyncClient, content: bytes, kind: str, status: int
) -> None:
    headers = stage.headers("ada") | {"Content-Type": kind}
    response = await client.post("/talk/room", content=content, headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_every_cut_and_garbled_offer_is_refused_or_answered_never_a_500(
    stage: StageRunning, client: httpx.AsyncClient
) -> None:
    lines = (await offer(video=True)).splitlines()
    for number in range(0, len(lines), 3):
        for spoiled in (lines[:number], [*lines[:number], "a=x" * 9, *lines[number + 1 :]]):
            response = await client.post(
                "/talk/room", content="\r\n".join(spoiled), headers=stage.headers("ada")
            )
            assert response.status_code in (201, 400)
            if response.status_code == 201:
                await client.delete(response.headers["location"])
    assert (await client.get("/healthz")).json()["sessions"] == 0


async def test_an_offer_with_video_gets_it_back_inactive_and_audio_with_fec(
    stage: StageRunning, client: httpx.AsyncClient
) -> None:
    response = await client.post(
        "/whip/room",
        content=await offer(video=True),
        headers=stage.headers("ada", Origin="http://studio.example"),
    )
    assert response.status_code == 201
    audio, video = response.text.split("m=video")
    assert "useinbandfec=1" in audio
    assert "a=recvonly" in audio
    assert "a=inactive" in video
    assert "location" in response.headers["access-control-expose-headers"].lower()
    assert response.headers["etag"]
    await client.delete(response.headers["location"])


async def test_methods_and_paths_that_are_not_there_are_told_so(
    stage: StageRunning, client: httpx.AsyncClient
) -> None:
    for method, path, status in [
        ("GET", "/", 404),
        ("POST", "/other/room", 404),
        ("PATCH", "/whip/room/unknown", 405),
        ("GET", "/whip/room", 405),
        ("GET", "/whip/room/unknown/events", 404),
        ("DELETE", "/whip/room/unknown", 200),
        ("POST", "/whip/room", 401),
    ]:
        response = await client.request(method, path)
        assert response.status_code == status, (method, path)
        if status != 200:
            assert response.headers["content-type"] == "application/problem+json"


async def test_a_browser_may_ask_from_any_page(client: httpx.AsyncClient) -> None:
    response = await client.options(
        "/talk/room",
        headers={
            "Origin": "http://studio.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,stentor-resume",
        },
    )
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"


async def test_a_full_stage_says_so_and_the_conversation_goes_on(tmp_path: Path) -> None:
    with stage_running(tmp_path, "ada", "ben", speakers_max=1) as stage:
        async with (
            FeedEars(stage) as audience,
            Talker(stage, "ada", tone(440, 4)),
            httpx.AsyncClient(base_url=stage.base) as client,
        ):
            await until(lambda: strength(audience.sound(0.5), 440) > 0.1, 10)
            response = await client.post(
                "/talk/room", content=await offer(), headers=stage.headers("ben")
            )
            assert response.status_code == 503
            assert response.headers["retry-after"]
            # Half a request, and one that lies about its length, hold nothing up.
            half = socket.create_connection(("127.0.0.1", stage.port))
            half.sendall(b"POST /talk/room HTTP/1.1\r\nContent-Length: 99999999\r\n")
            (stage.folder.orders / "broken.json").write_text("{")
            count = len(audience.frames)
            await until(lambda: len(audience.frames) - count >= 50, 5, "the conversation goes on")
            half.close()


async def test_the_metrics_count_packets_and_ticks(tmp_path: Path) -> None:
    with stage_running(tmp_path, "ada") as stage:
        async with (
            FeedEars(stage) as audience,
            Talker(stage, "ada", tone(440, 4), lost=lambda one: one.sequence % 10 == 0),
            httpx.AsyncClient(base_url=stage.base) as client,
        ):
            await until(lambda: len(audience.frames) > 100, 10)
            text = (await client.get("/metrics")).text
        found = {
            (sample.name, sample.labels.get("fate")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert found["stentor_stage_sessions", None] == 1
        assert found["stentor_stage_packets_total", "received"] > 80
        assert found["stentor_stage_packets_total", "recovered"] >= 5
        assert found["stentor_stage_samples_total", "skipped"] >= 0
        assert found["stentor_stage_packets_total", "lost"] >= 5
        assert found["stentor_stage_ticks_total", None] > 100
        assert found["stentor_stage_requests_cut_off_total", None] == 0


async def test_half_a_request_is_let_go_after_a_while(stage: StageRunning) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(b"POST /talk/room HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    started = asyncio.get_running_loop().time()
    answer = await asyncio.wait_for(reader.read(), 15)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"too-slow" in answer
    assert asyncio.get_running_loop().time() - started > 5
    writer.close()


def let_go(connection: socket.socket) -> bool:
    """Say whether the other side has ended this connection, whatever it said before."""
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


async def test_connections_are_bounded_and_the_conversation_goes_on(tmp_path: Path) -> None:
    with stage_running(tmp_path, "ada", "ben") as stage:
        async with FeedEars(stage) as audience, Talker(stage, "ada", tone(440, 4)):
            await until(lambda: strength(audience.sound(0.5), 440) > 0.1, 10)
            idle = [socket.create_connection(("127.0.0.1", stage.port)) for _ in range(900)]
            over = len(idle) - CONNECTIONS_MAX
            await until(
                lambda: sum(let_go(one) for one in idle) >= over, 5, "one too many is let go"
            )
            stage.change_seat("room", "ada", muted=True)
            await until(lambda: audience.states[-1]["present"][0]["muted"], 1, "orders are read")
            for one in idle:
                one.close()
            stage.change_seat("room", "ada", muted=False)
            await until(lambda: strength(audience.sound(0.2), 440) > 0.1, 2)
            async with Talker(stage, "ben", tone(700, 4)):
                await until(lambda: strength(audience.sound(0.2), 700) > 0.1, 5)
