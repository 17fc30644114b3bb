"""The contract with aiortc's private parts, which the stage takes RTP from and sends RTP by.

When one of these fails after an upgrade, read `stage/peer.py` before anything else.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import socket
from collections.abc import Callable

import pytest
from aioice import stun
from aioice.ice import Connection, StunProtocol
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpreceiver import RTCRtpReceiver, StreamStatistics
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.rtp import RtcpReceiverInfo, RtpPacket

from stentor.base.errors import Problem
from stentor.codecs.opus import OpusEncoder
from stentor.stage import peer as peer_module
from stentor.stage import sieve
from stentor.stage.datagrams import SOURCES_SEEN_MAX
from stentor.stage.offer import FMTP, read_offer
from stentor.stage.peer import SOURCES_MAX, Direction, Peer, _NoTrack, run_at_once
from support.bad_network import tone


def test_rtp_comes_in_by_the_method_that_is_replaced() -> None:
    parameters = inspect.signature(RTCRtpReceiver._handle_rtp_packet).parameters
    assert list(parameters) == ["self", "packet", "arrival_time_ms"]
    source = inspect.getsource(RTCDtlsTransport._handle_rtp_data)
    assert "await receiver._handle_rtp_packet(packet, arrival_time_ms=" in source


def test_aioice_has_what_is_replaced_before_its_sockets() -> None:
    expected = {
        "get_component_candidates": ["self", "component", "addresses", "timeout"],
        "check_incoming": ["self", "message", "addr", "protocol"],
        "respond_error": ["self", "request", "addr", "protocol", "error_code"],
        "data_received": ["self", "data", "component"],
    }
    for name, parameters in expected.items():
        assert list(inspect.signature(getattr(Connection, name)).parameters) == parameters
    connection = Connection(ice_controlling=False)
    assert connection._protocols == []
    assert connection._queue.qsize() == 0
    assert len(connection.local_username) >= 4
    source = inspect.getsource(StunProtocol.datagram_received)
    assert "self.receiver.data_received(" in source
    assert "self.receiver.request_received(message, addr, self)" in source


async def test_receiver_and_sender_have_the_fields_that_are_written() -> None:
    peer = Peer(Direction.SPEAKS_AND_HEARS, lambda *_: None)
    try:
        receiver, sender = peer._transceiver.receiver, peer._transceiver.sender
        assert receiver._RTCRtpReceiver__remote_streams == {}
        for name in ("ntp_timestamp", "rtp_timestamp", "packet_count", "octet_count"):
            assert hasattr(sender, f"_RTCRtpSender__{name}")
        assert isinstance(sender._ssrc, int)
        assert {"_send_rtp"} <= set(dir(RTCDtlsTransport))
        assert {"packets_received", "max_seq"} <= set(vars(StreamStatistics(48_000)))
        assert isinstance(sender, RTCRtpSender)
    finally:
        await peer.close()


async def test_a_coroutine_that_waits_is_not_left_hanging() -> None:
    ended = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    run_at_once(waits())
    assert ended == [True]


async def connected(
    direction: Direction,
    admit: Callable[[], bool] = lambda: True,
    on_validated: Callable[[str, int], None] = lambda _address, _port: None,
) -> tuple[Peer, RTCPeerConnection, list[tuple]]:
    """Connect a client of aiortc's with a peer, over real sockets."""
    got: list[tuple] = []
    peer = Peer(direction, lambda *packet: got.append(packet), admit, on_validated)
    client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    client.addTransceiver(_NoTrack(), direction="sendrecv")
    await client.setLocalDescription(await client.createOffer())
    answer = await peer.answer(read_offer(client.localDescription.sdp.encode()))
    assert FMTP in answer
    await client.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    async with asyncio.timeout(15):
        while client.connectionState != "connected" or peer.state != "connected":
            await asyncio.sleep(0.02)
    return peer, client, got


def rtp(client: RTCPeerConnection, sequence: int, payload: bytes, **other: int) -> bytes:
    transceiver = client.getTransceivers()[0]
    kind = other.get("kind", transceiver._codecs[0].payloadType)
    packet = RtpPacket(payload_type=kind, sequence_number=sequence, timestamp=sequence * 960)
    packet.ssrc = other.get("ssrc", transceiver.sender._ssrc)
    packet.payload = payload
    return packet.serialize()


async def test_rtp_is_taken_in_counted_for_rtcp_and_sent_back() -> None:
    peer, client, got = await connected(Direction.SPEAKS_AND_HEARS)
    heard: list[RtpPacket] = []

    async def hear(packet: RtpPacket, arrival_time_ms: int) -> None:
        heard.append(packet)

    try:
        client.getTransceivers()[0].receiver._handle_rtp_packet = hear
        payload = OpusEncoder(24_000).encode(tone(440, 0.02))
        transport = client.getTransceivers()[0].sender.transport
        for sequence in range(10):
            await transport._send_rtp(rtp(client, sequence, payload))
            peer.send(payload)
        async with asyncio.timeout(30):
            while len(got) < 10 or len(heard) < 10:
                await asyncio.sleep(0.01)
        assert got[3] == (3, 3 * 960, payload)
        assert {b.timestamp - a.timestamp for a, b in itertools.pairwise(heard)} == {960}
        assert heard[0].payload == payload
        inbound = [
            one
            for one in (await peer._transceiver.receiver.getStats()).values()
            if one.type == "inbound-rtp"
        ]
        assert inbound[0].packetsReceived == 10
        outbound = [
            one
            for one in (await peer._transceiver.sender.getStats()).values()
            if one.type == "outbound-rtp"
        ]
        assert outbound[0].packetsSent == 10
    finally:
        await client.close()
        await peer.close()


async def test_other_payloads_and_too_many_sources_are_dropped_and_counted() -> None:
    peer, client, got = await connected(Direction.SPEAKS)
    try:
        transport = client.getTransceivers()[0].sender.transport
        await transport._send_rtp(rtp(client, 0, b"x" * 20, kind=0))
        for source in range(SOURCES_MAX + 3):
            await transport._send_rtp(rtp(client, source, b"x" * 20, ssrc=1_000 + source))
        async with asyncio.timeout(30):
            while len(got) + peer.dropped_total < SOURCES_MAX + 3:
                await asyncio.sleep(0.01)
        assert len(got) <= SOURCES_MAX
    finally:
        await client.close()
        await peer.close()


def sockets(peer: Peer) -> list[tuple[str, int]]:
    connection = peer._transceiver.receiver.transport.transport._connection
    return [(one.host, one.port) for one in connection.local_candidates]


@pytest.mark.parametrize("filtered", [True, False])
async def test_no_datagram_of_a_stranger_ends_a_connection_or_fills_memory(
    filtered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not filtered:  # a kernel that has no filters: the gate alone decides
        monkeypatch.setattr(sieve, "attach", lambda *_: False)
    peer, client, got = await connected(Direction.SPEAKS)
    payload = OpusEncoder(24_000).encode(tone(440, 0.02))
    try:
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        (address,) = [one for one in sockets(peer) if ":" not in one[0]][:1]
        evil = (b"", b"\x80" * 1_501, b"\x80" * 60_000, b"\x90\xc8" + bytes(30), b"\x16" * 40)
        for datagram in (*evil, *[b"\x80" * 100] * 3_000):
            stranger.sendto(datagram, address)
        stranger.close()
        transport = client.getTransceivers()[0].sender.transport
        async with asyncio.timeout(30):
            while not got:
                await transport._send_rtp(rtp(client, 7, payload))
                await asyncio.sleep(0.02)
        assert peer.state == "connected"
        assert (peer.sifted_total if filtered else peer.dropped_total) > 100
        assert not (filtered and peer.dropped_total)  # the kernel's filter woke nobody
    finally:
        await client.close()
        await peer.close()


def message_to(peer: Peer, password: str = "") -> bytes:
    """Return an ICE check for a peer, signed with its password or another."""
    connection = peer._transceiver.receiver.transport.transport._connection
    check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    check.attributes["USERNAME"] = f"{connection.local_username}:{connection.remote_username}"
    check.attributes["PRIORITY"] = 1
    check.add_message_integrity((password or connection.local_password).encode())
    return bytes(check)


async def test_only_who_knows_the_password_is_answered_and_known() -> None:
    validated: list[tuple[str, int]] = []
    peer, client, _got = await connected(
        Direction.SPEAKS, on_validated=lambda *place: validated.append(place)
    )
    speaker = set(validated)
    assert speaker
    broken = b"\0\1\0\x08" + message_to(peer)[4:28]  # a name, and no signature
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("0.0.0.0", 0))
            stranger.setblocking(False)
            (address,) = [one for one in sockets(peer) if ":" not in one[0]][:1]
            for data in (message_to(peer, "x" * 22), broken, b"\x80" * 40):
                stranger.sendto(data, address)
            async with asyncio.timeout(30):
                while peer.dropped_total + peer.sifted_total < 3:
                    await asyncio.sleep(0.01)
            with pytest.raises(BlockingIOError):
                stranger.recv(2_000)
            assert set(validated) == speaker
            stranger.sendto(message_to(peer), address)
            async with asyncio.timeout(30):
                answer = await asyncio.get_running_loop().sock_recv(stranger, 2_000)
            assert stun.parse_message(answer).message_class == stun.Class.RESPONSE
            assert {port for _, port in set(validated) - speaker} == {stranger.getsockname()[1]}
    finally:
        await client.close()
        await peer.close()


async def test_packets_beyond_the_allowance_are_dropped_of_whatever_kind() -> None:
    allowance = iter([True] * 5)
    peer, client, got = await connected(Direction.SPEAKS, lambda: next(allowance, False))
    try:
        transport = client.getTransceivers()[0].sender.transport
        for sequence in range(10):
            await transport._send_rtp(rtp(client, 2 * sequence, b"x" * 20, kind=0))
            await transport._send_rtp(rtp(client, 2 * sequence + 1, b"x" * 20))
        async with asyncio.timeout(30):
            while peer.dropped_total < 15:
                await asyncio.sleep(0.01)
        assert len(got) <= 5
    finally:
        await client.close()
        await peer.close()


async def test_a_source_for_every_packet_is_noticed() -> None:
    peer, client, _got = await connected(Direction.SPEAKS)
    try:
        transport = client.getTransceivers()[0].sender.transport
        for source in range(SOURCES_SEEN_MAX + 2):
            await transport._send_rtp(rtp(client, source, b"x" * 20, ssrc=1_000 + source))
        async with asyncio.timeout(30):
            while not peer.has_too_many_sources:
                await asyncio.sleep(0.01)
    finally:
        await client.close()
        await peer.close()


async def test_timestamps_that_jump_do_not_break_the_report_on_which_closing_waits() -> None:
    peer = Peer(Direction.SPEAKS, lambda *_: None)
    peer._payload_type = 111
    take = peer._transceiver.receiver._handle_rtp_packet
    for sequence in range(2_000):
        packet = RtpPacket(
            payload_type=111, sequence_number=sequence, timestamp=sequence % 2 * 0xFFFF_FFFF
        )
        packet.payload = b"x"
        await take(packet, arrival_time_ms=0)
    (stream,) = peer._transceiver.receiver._RTCRtpReceiver__remote_streams.values()
    stream._jitter_q4 += 0xFFFF_FFFF << 4
    await take(packet, arrival_time_ms=0)
    report = RtcpReceiverInfo(
        0, stream.fraction_lost, stream.packets_lost, stream.max_seq, stream.jitter, 0, 0
    )
    assert bytes(report)
    await peer.close()


async def test_sockets_are_closed_though_aiortc_waits_for_a_task_that_died(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer_module, "_CLOSE_S_MAX", 0.2)
    peer, client, _got = await connected(Direction.SPEAKS_AND_HEARS)
    receiver = peer._transceiver.receiver
    receiver._RTCRtpReceiver__rtcp_exited = asyncio.Event()  # as if it had never been set
    receiver._RTCRtpReceiver__rtcp_exited.set = lambda: None
    connection = receiver.transport.transport._connection
    assert connection._protocols
    try:
        async with asyncio.timeout(15):
            await peer.close()
        assert connection._protocols == []
    finally:
        await client.close()


async def test_a_peer_that_is_not_connected_sends_nothing_and_closes_quickly() -> None:
    peer = Peer(Direction.SPEAKS_AND_HEARS, lambda *_: None)
    peer.send(b"payload")
    async with asyncio.timeout(4.5):  # less than a close takes that nothing answers
        await peer.close()
        await peer.close()
    assert peer.state == "closed"


async def test_no_offer_makes_the_stage_contact_an_address_of_its_choice() -> None:
    client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    client.addTransceiver("audio", direction="sendonly")
    await client.setLocalDescription(await client.createOffer())
    evil = client.localDescription.sdp + "a=candidate:1 1 udp 1 victim.local 9 typ host\r\n"
    await client.close()
    peer = Peer(Direction.SPEAKS, lambda *_: None)
    try:
        await peer.answer(read_offer(evil.encode()))
        ice = peer._transceiver.receiver.transport.transport
        assert ice.getRemoteCandidates() == []
    finally:
        await peer.close()


async def test_an_offer_without_ice_or_dtls_is_a_problem_not_a_crash() -> None:
    peer = Peer(Direction.SPEAKS, lambda *_: None)
    offer = (
        b"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
        b"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"
    )
    with pytest.raises(Problem) as caught:
        await peer.answer(read_offer(offer))
    assert caught.value.status == 400
    await peer.close()
