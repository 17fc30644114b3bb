"""TLS in the edge, with OpenSSL's own clients: what goes over plain sockets goes over it too."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from stentor.media.renditions import RENDITIONS
from stentor.rooms.orders import Phase
from support.edge import Client, Ear, RunningEdge, edge_running, eventually
from support.programme import part_of
from support.programs import needs_program, program
from support.tls import Greeting, Pair

AAC = RENDITIONS["aac48"]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path / "certificate")


@pytest.fixture
def secure(tmp_path: Path, pair: Pair) -> Iterator[RunningEdge]:
    with edge_running(tmp_path, **pair.settings) as running:
        running.approach = Greeting(pair)
        yield running


def test_listener_hears_every_part_over_tls_and_the_end(secure: RunningEdge, pair: Pair) -> None:
    secure.on_air(40)
    with secure.ear() as ear, secure.ear("opus24") as other:
        assert ear.status == 200
        ear.listen(lambda: ear.parts)
        first = ear.parts[0]
        secure.programme.parts(10)
        ear.listen(lambda: ear.parts[-1] == 49)
        other.listen(lambda: other.parts[-1] == 49)
        assert ear.parts == list(range(first, 50))
        assert ear.media == [part_of(AAC, number) for number in ear.parts]
        assert isinstance(ear.socket, ssl.SSLSocket)
        assert ear.socket.version() == "TLSv1.3"
        assert ear.socket.selected_alpn_protocol() == "http/1.1"
        assert ear.socket.cipher()[0] == "TLS_AES_128_GCM_SHA256"
        assert ear.socket.compression() is None
        secure.programme.end()
        ear.listen(lambda: ear.ended)
        assert ear.socket.recv(100) == b""  # a goodbye, not a torn connection
    eventually(lambda: secure.edge.push.listeners == 0)
    assert secure.edge.counts.tls_handshakes == 2


def test_deliveries_of_several_records_arrive_whole(secure: RunningEdge) -> None:
    secure.on_air(120)
    target = f"/r/{secure.programme.room}/live.mp4?rendition=aac96&period=15360"
    with Ear(secure.port, target, approach=secure.approach) as ear:
        assert ear.headers["stentor-period-ms"] == "15360"
        ear.listen(lambda: ear.parts)
        secure.programme.parts(96)
        ear.listen(lambda: ear.parts[-1] >= 168)
        assert ear.parts == list(range(ear.parts[0], ear.parts[-1] + 1))
        assert ear.media == [part_of(RENDITIONS["aac96"], number) for number in ear.parts]


def test_slow_tls_listener_jumps_and_catches_up_on_an_unbroken_stream(
    tmp_path: Path, pair: Pair
) -> None:
    with edge_running(tmp_path, **pair.settings, edge_lag_s=2) as running:
        running.approach = Greeting(pair)
        running.on_air(20)
        with running.ear("aac96", receive_bytes=2048) as ear:
            ear.listen(lambda: ear.parts)
            for _ in range(60):
                running.programme.parts(4)
                if running.edge.counts.jumped:
                    break
                time.sleep(0.01)
            eventually(lambda: running.edge.counts.partial_sends > 0)
            entrance = running.edge.entrance
            assert entrance.tls is not None
            assert entrance.tls.unsent_bytes > 0
            newest = running.programme.next - 1
            ear.listen(lambda: ear.parts[-1] == newest, 20)  # any wrong record would be an alert
            assert ear.jumps
            assert ear.media == [part_of(RENDITIONS["aac96"], number) for number in ear.parts]
            running.programme.parts(1)
            ear.listen(lambda: ear.parts[-1] == newest + 1)
        eventually(lambda: running.edge.push.listeners == 0)
        assert entrance.tls.unsent_bytes == 0
        assert entrance.tls.sessions == 0


def test_slow_tls_listener_is_let_go_when_too_much_ciphertext_is_kept(
    secure: RunningEdge,
) -> None:
    assert secure.edge.entrance.tls is not None
    secure.edge.entrance.tls._unsent_bytes_max = 1000
    secure.on_air(20)
    with secure.ear() as quick, secure.ear("aac96", receive_bytes=2048):
        quick.listen(lambda: quick.parts)

        def one_more() -> bool:
            secure.programme.parts(4)
            return secure.edge.counts.tls_unsent_refused == 1

        eventually(one_more)
        newest = secure.programme.next - 1
        quick.listen(lambda: quick.parts[-1] == newest)
        assert secure.edge.push.listeners == 1


def test_pages_playlists_media_and_recordings_are_the_same_over_tls(
    tmp_path: Path, secure: RunningEdge
) -> None:
    secure.on_air(40)
    recording = secure.folder.recording(secure.programme.room, "aac48")
    recording.parent.mkdir(parents=True)
    blocks = [part_of(AAC, number) for number in range(400)]
    recording.write_bytes(b"".join(blocks))
    offsets, at = b"", 0
    for block in blocks:
        offsets += at.to_bytes(8, "little")
        at += len(block)
    secure.folder.recording_index(secure.programme.room, "aac48").write_bytes(offsets)
    plain_size = recording.stat().st_size
    assert plain_size > 300_000
    with Client(secure.port, approach=secure.approach) as client:  # all on one connection
        assert client.get("/").response().status == 200
        assert client.get("/healthz").response().json()["status"] == "ok"
        room = f"/r/{secure.programme.room}"
        for target in ("", "/state.json", "/hls/master.m3u8", "/hls/aac48/live.m3u8"):
            assert client.get(room + target).response().status == 200
        segment = client.get(f"{room}/hls/aac48/seg/2.m4s").response()
        assert segment.body == b"".join(part_of(AAC, number) for number in range(24, 36))
        whole = client.get(f"{room}/recording/aac48.mp4").response()
        assert whole.body == recording.read_bytes()
        piece = client.get(f"{room}/recording/aac48.mp4", Range="bytes=1000-150000").response()
        assert piece.status == 206
        assert piece.body == recording.read_bytes()[1000:150_001]
    with Client(secure.port, 2048, approach=secure.approach) as slow:
        slow.get(f"{room}/recording/aac48.mp4")
        time.sleep(0.05)  # the kernel's buffers are full by now: the rest comes piece by piece
        assert slow.response().body == recording.read_bytes()


def shake(session: ssl.SSLObject, into: ssl.MemoryBIO, out: ssl.MemoryBIO, client: Client) -> None:
    """Bring a handshake to the point where the client could send its last message."""
    while True:
        try:
            session.do_handshake()
            return
        except ssl.SSLWantReadError:
            client.send(out.read())
            into.write(client.socket.recv(65_536))


def test_requests_that_came_with_the_handshake_are_answered(secure: RunningEdge) -> None:
    """A client may send its request right behind its Finished, before it hears anything."""
    secure.on_air(1)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    assert isinstance(secure.approach, Greeting)
    session = secure.approach.context.wrap_bio(into, out, server_hostname="localhost")
    with Client(secure.port) as client:
        with pytest.raises(ssl.SSLWantReadError):
            session.do_handshake()
        hello = out.read()
        client.send(hello[:50])  # and in two pieces
        client.send(hello[50:])
        shake(session, into, out, client)
        session.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        client.send(out.read())  # Finished and both requests in one segment
        heard = b""
        while heard.count(b'"status"') < 2:
            into.write(client.socket.recv(65_536))
            try:
                while piece := session.read(65_536):
                    heard += piece
            except ssl.SSLWantReadError:
                pass
        assert heard.count(b"HTTP/1.1 200 OK") == 2


def test_client_that_half_closes_after_its_request_still_gets_the_answer(
    secure: RunningEdge,
) -> None:
    assert isinstance(secure.approach, Greeting)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = secure.approach.context.wrap_bio(into, out, server_hostname="localhost")
    with Client(secure.port) as client:
        shake(session, into, out, client)
        session.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises(ssl.SSLWantReadError):
            session.unwrap()
        client.send(out.read())  # the request and the close_notify
        client.socket.shutdown(socket.SHUT_WR)
        heard = b""
        while data := client.socket.recv(65_536):
            heard += data
        into.write(heard)
        assert session.read(65_536).startswith(b"HTTP/1.1 200 OK")
        with pytest.raises(ssl.SSLZeroReturnError):
            session.read(1)  # the server said goodbye too
    eventually(lambda: secure.edge._web.open == 0)


@needs_program("openssl")
def test_listener_may_change_its_keys(secure: RunningEdge, pair: Pair) -> None:
    secure.on_air(3)
    command = [program("openssl"), "s_client", "-connect", f"127.0.0.1:{secure.port}", "-tls1_3"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as client:
        assert client.stdin
        assert client.stdout
        os.set_blocking(client.stdout.fileno(), False)
        target = f"/r/{secure.programme.room}/live.mp4?rendition=aac48"
        client.stdin.write(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        client.stdin.flush()
        eventually(lambda: secure.edge.push.listeners == 1)
        heard = b""
        for number in range(3, 6):
            client.stdin.write(b"K\n")  # a KeyUpdate that asks for ours
            client.stdin.flush()
            secure.programme.parts(1)
            body = part_of(AAC, number)

            def came(body: bytes = body) -> bool:
                nonlocal heard
                assert client.stdout
                heard += client.stdout.read() or b""
                return body in heard

            eventually(came)
        client.stdin.close()
        client.terminate()
    eventually(lambda: secure.edge.push.listeners == 0)


def test_session_resumes_at_another_edge_and_after_a_restart(tmp_path: Path, pair: Pair) -> None:
    greeting = Greeting(pair)
    with edge_running(tmp_path, **pair.settings) as first:
        with Client(first.port, approach=greeting) as client:
            assert client.get("/healthz").response().status == 200
            greeting.keep()
        with Client(first.port, approach=greeting):
            assert greeting.last is not None
            assert greeting.last.session_reused
    with edge_running(tmp_path, **pair.settings) as second:  # another process has only the secret
        assert second.edge.entrance.certificates is not None
        assert second.edge.entrance.certificates.tickets_shared
        with Client(second.port, approach=greeting) as client:
            assert client.get("/healthz").response().status == 200
            assert greeting.last.session_reused
        assert second.edge.counts.tls_resumed == 1


def test_certificate_is_replaced_without_a_restart_and_a_broken_one_is_not(
    tmp_path: Path, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stentor.edge.entrance._LOOK_S", 0.05)

    def serial(port: int) -> int:
        pem = ssl.get_server_certificate(("127.0.0.1", port))
        return x509.load_pem_x509_certificate(pem.encode()).serial_number

    with edge_running(tmp_path, **pair.settings) as running:
        greeting = running.approach = Greeting(pair)
        running.on_air(3)
        with running.ear() as ear:
            ear.listen(lambda: ear.parts)
            greeting.keep()
            assert serial(running.port) == pair.serial
            new = pair.renew(days=3)
            eventually(lambda: serial(running.port) == new)
            running.programme.parts(1)
            ear.listen(lambda: ear.parts[-1] == 3)  # whoever is in stays
            with Client(running.port, approach=greeting):
                assert greeting.last is not None
                assert greeting.last.session_reused  # who was here needs no new certificate
            good = pair.certificate.read_bytes()
            pair.certificate.write_bytes(good[:200])
            eventually(lambda: running.edge.counts.tls_reloads_failed >= 1)
            assert serial(running.port) == new
            pair.certificate.unlink()
            eventually(lambda: running.edge.counts.tls_reloads_failed >= 2)
            assert serial(running.port) == new
            newest = pair.renew()
            eventually(lambda: serial(running.port) == newest)
        metrics_port = running.edge.metrics_port
        with Client(metrics_port) as client:
            text = client.get("/metrics").response().body.decode()
        expires = text.split("\nstentor_edge_tls_expires_timestamp_seconds ")[1].split("\n")[0]
        assert float(expires) == pytest.approx(time.time() + 30 * 86_400, abs=60)
        assert "\nstentor_edge_tls_reloads_failed_total 2" in text


def test_room_that_ends_over_tls_answers_that_it_has(secure: RunningEdge) -> None:
    secure.on_air(2)
    secure.programme.end()
    eventually(lambda: secure.get("live.mp4?rendition=aac48").status == 410)
    assert secure.edge.rooms.by_id[secure.programme.room].state
    assert secure.edge.rooms.by_id[secure.programme.room].state.phase is Phase.ENDED
