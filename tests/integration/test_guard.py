"""The guard in a namespace of its own: what the kernel drops, what it never does, what is left.

The same tests for both ways to drop. A drop is seen by the kernel's own counter, never by waiting.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor.guard.privileges import CAP_NET_ADMIN
from stentor.shield.vocabulary import (
    Ban,
    Counters,
    Limits,
    Media,
    Unban,
    Validated,
)
from support.edge import eventually
from support.guard import (
    CONTROL,
    FOURS,
    MEDIA,
    OTHER,
    PASSES_S,
    SIXES,
    Guarded,
    guarding,
    wait_writable,
)
from support.namespaces import NEAR, NEAR_INTERFACE, cable
from support.programs import needs_program, needs_root

pytestmark = [needs_root, needs_program("ip", "nft")]

DTLS = b"\x16\xfe\xfd" + bytes(60)
STUN = b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12)


@pytest.fixture(
    scope="module", params=["nftables", pytest.param("xdp", marks=needs_program("clang"))]
)
def guarded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    with guarding(request.param, tmp_path_factory.mktemp("guard")) as running:
        yield running


@pytest.mark.parametrize(
    ("network", "source", "other"),
    [
        ("203.0.113.0/24", OTHER, FOURS[2]),
        ("2001:db8:1:1::/64", SIXES[0], SIXES[1]),
    ],
)
def test_a_ban_drops_new_connections_until_it_is_taken_back_and_leaves_those_that_are(
    guarded: Guarded, network: str, source: str, other: str
) -> None:
    with guarded.comes(source) as present:
        before = guarded.count("banned")
        guarded.told(Ban(network, 600))
        with guarded.begins(source) as newcomer:
            eventually(lambda: guarded.count("banned") > before, 20)
            present.sendall(b"still here")  # and it is taken: what is there is never cut
            eventually(lambda: _unsent(present) == 0, 20)
            guarded.comes(other).close()
            guarded.told(Unban(network))
            wait_writable(newcomer)  # TCP tries again by itself


def _unsent(client: socket.socket) -> int:
    import array
    import fcntl

    left = array.array("i", [0])
    fcntl.ioctl(client, 0x5411, left)  # SIOCOUTQ: sent or not, not acknowledged yet
    return left[0]


def test_a_ban_ends_by_itself(guarded: Guarded) -> None:
    guarded.told(Ban(FOURS[4], 1))
    guarded.comes(FOURS[4]).close()
    eventually(lambda: guarded.count("bans") == 0, 20)


def test_whoever_is_banned_still_reaches_control_to_take_it_back(guarded: Guarded) -> None:
    guarded.told(Ban(FOURS[5], 600))
    guarded.comes(FOURS[5], CONTROL).close()
    guarded.told(Unban(FOURS[5]))


@pytest.mark.parametrize("network", [FOURS[-1], "10.77.0.2", "127.0.0.1", "fd77::2", "10.0.0.0/8"])
def test_the_operators_own_and_wide_networks_are_never_banned(
    guarded: Guarded, network: str
) -> None:
    answer = guarded.say(Ban(network, 60))
    assert not answer.ok
    assert network in answer.why


def test_connections_beyond_a_sources_pace_are_dropped_and_another_source_is_not(
    guarded: Guarded,
) -> None:
    before = guarded.count("syn")
    guarded.told(Limits(syn_per_s=1))  # and two at once
    try:
        clients = [guarded.begins(FOURS[6]) for _ in range(8)]
        eventually(lambda: guarded.count("syn") > before, 20)
        guarded.comes(FOURS[7]).close()
    finally:
        guarded.told(Limits())
    for client in clients:
        wait_writable(client)
        client.close()


def test_media_ports_take_media_of_the_validated_and_checks_of_anybody(guarded: Guarded) -> None:
    with guarded.link.near.listen((NEAR, MEDIA), socket.SOCK_DGRAM) as media:
        media.settimeout(PASSES_S)
        stranger = guarded.link.far.open(kind=socket.SOCK_DGRAM, source=FOURS[8])
        speaker = guarded.link.far.open(kind=socket.SOCK_DGRAM, source=FOURS[9])
        before = guarded.count("unvalidated")
        stranger.sendto(DTLS, (NEAR, MEDIA))
        assert media.recv(100) == DTLS  # until limits say so, anybody may send
        guarded.told(Limits(media=Media.VALIDATED))
        try:
            guarded.told(Validated(*speaker.getsockname(), 600))
            for client in (stranger, speaker):
                client.sendto(DTLS, (NEAR, MEDIA))
                client.sendto(STUN, (NEAR, MEDIA))
            got = [media.recvfrom(100) for _ in range(3)]
            assert sorted((data, source[0]) for data, source in got) == sorted(
                [(STUN, FOURS[8]), (STUN, FOURS[9]), (DTLS, FOURS[9])]
            )
            assert guarded.count("unvalidated") == before + 1
        finally:
            guarded.told(Limits())


def test_checks_beyond_a_strangers_pace_are_dropped_and_the_validated_have_no_pace(
    guarded: Guarded,
) -> None:
    with guarded.link.near.listen((NEAR, MEDIA), socket.SOCK_DGRAM) as media:
        media.settimeout(PASSES_S)
        stranger = guarded.link.far.open(kind=socket.SOCK_DGRAM, source=FOURS[10])
        speaker = guarded.link.far.open(kind=socket.SOCK_DGRAM, source=FOURS[11])
        before = guarded.count("udp")
        guarded.told(Limits(udp_per_s=1))
        try:
            guarded.told(Validated(*speaker.getsockname(), 600))
            for _ in range(200):
                stranger.sendto(STUN, (NEAR, MEDIA))
            eventually(lambda: guarded.count("udp") > before + 100, 20)
            for _ in range(20):
                speaker.sendto(DTLS, (NEAR, MEDIA))
            got = 0
            while got < 20:
                got += media.recv(100) == DTLS
        finally:
            guarded.told(Limits())


def test_nobody_but_the_owner_of_the_data_folder_and_root_can_speak(guarded: Guarded) -> None:
    path = guarded.data / "run" / "guard.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_uid == guarded.data.stat().st_uid


def test_it_has_kept_no_right_but_those_that_it_needs(guarded: Guarded) -> None:
    status = Path(f"/proc/{guarded.process.pid}/status").read_text()
    held = int(status.partition("CapEff:")[2].split()[0], 16)
    assert held >> CAP_NET_ADMIN & 1
    assert held.bit_count() <= 7
    assert "NoNewPrivs:\t1" in status


def test_serve_runs_it_where_that_is_set_and_nothing_is_left_afterwards(tmp_path: Path) -> None:
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("STENTOR_")},
        "STENTOR_DATA": str(tmp_path / "data"),
        "STENTOR_EDGES": "1",
        "STENTOR_GUARD": "on",
    }
    with cable() as link:
        process = subprocess.Popen(
            link.near.command(sys.executable, "-m", "stentor", "serve"), env=environment
        )
        try:
            eventually(lambda: "stentor" in link.near.run("nft", "list", "tables"), 40)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        eventually(lambda: link.near.run("nft", "list", "tables") == "", 20)


def test_it_is_reached_again_where_the_run_folder_was_made_anew(guarded: Guarded) -> None:
    (guarded.data / "run" / "guard.sock").unlink()
    eventually(lambda: (guarded.data / "run" / "guard.sock").exists(), 20)
    guarded.told(Counters())


@pytest.mark.parametrize("how", ["nftables", pytest.param("xdp", marks=needs_program("clang"))])
def test_nothing_of_it_is_left_when_it_is_killed(tmp_path: Path, how: str) -> None:
    with guarding(how, tmp_path / "data") as guarded:
        near = guarded.link.near
        guarded.told(Ban(FOURS[0], 600))
        if how == "nftables":
            assert "stentor" in near.run("nft", "list", "tables")
            with pytest.raises(subprocess.CalledProcessError):  # and nobody else can change it
                near.run("nft", "flush", "table", "inet", "stentor")
        else:
            assert "xdp" in near.run("ip", "link", "show", NEAR_INTERFACE)
        newcomer = guarded.begins(FOURS[0])
        eventually(lambda: guarded.count("banned") > 0, 20)
        guarded.process.kill()
        guarded.process.wait(20)
        wait_writable(newcomer)
        newcomer.close()
        assert near.run("nft", "list", "tables") == ""
        assert "xdp" not in near.run("ip", "link", "show", NEAR_INTERFACE)


@needs_program("clang")
def test_where_xdp_cannot_be_used_nftables_is_and_the_log_says_why(tmp_path: Path) -> None:
    with guarding("nftables", tmp_path / "data", guard_interfaces="nowhere0") as guarded:
        guarded.told(Counters())
        log = guarded.log.read_text()
        assert "xdp_not_used" in log
        assert "nowhere0" in log


@needs_program("setpriv")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("setpriv", "--bounding-set=-all", "--inh-caps=-all"), 4, "CAP_NET_ADMIN"),
        (("env", "STENTOR_DATA=/no/such/folder"), 3, "/no/such/folder"),
        (("env", "STENTOR_GUARD_NEVER=example.org"), 3, "guard_never"),
    ],
)
def test_a_guard_that_cannot_be_says_why_in_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("STENTOR_")},
        "STENTOR_DATA": str(tmp_path),
    }
    with cable() as link:
        done = subprocess.run(
            link.near.command(*arguments, sys.executable, "-m", "stentor", "guard"),
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == code, done.stderr
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith("stentor: ")
    assert said in sentence
