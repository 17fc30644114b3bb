"""Attackers counted in lumps against attackers one by one, and what they hold."""

from pathlib import Path

import numpy as np
import pytest

from stentor.admission.networks import Places
from stentor.admission.tickets import Kind
from stentor.base.settings import Settings
from stentor.load.attacks.families import FAMILIES as REAL
from stentor.load.attacks.families import By
from stentor.shield.facts import DoorSecond, Load
from stentor.shield.keys import EventKey
from stentor.simulate.attackers import FAMILIES, Act, Family
from stentor.simulate.events import EPOCH_MS
from stentor.simulate.fleet import coming, retrying
from stentor.simulate.fleet.bots import ACTS, Holding, Pushed, Swarm, costs_s, per_s, rates
from stentor.simulate.fleet.calibration import SHIPPED
from stentor.simulate.fleet.scenario import Attack
from stentor.simulate.fleet.watched import EdgeStands, Fate, Watched

KEY = EventKey(bytes(range(32)))
EDGES, MACHINES = 2, 4


def test_every_family_is_in_the_model_but_the_one_that_cannot_be_told_from_people() -> None:
    assert set(ACTS) == {one.value for one in FAMILIES}
    assert Family.PERFECT.value not in ACTS
    assert all(costs_s(SHIPPED.tls, act) > 0 for act in ACTS.values())


def test_scenarios_name_families_as_the_command_that_attacks_does() -> None:
    assert set(ACTS) == {one for one, about in REAL.items() if about.by is By.CONNECTIONS}


def test_waves_are_as_long_as_the_pauses_after_them() -> None:
    attack = Attack("join-flood-many", 100, 60, per_s=50, waves=3)
    on = [per_s(attack, second) for second in range(90, 170)]
    assert [bool(one) for one in on[10:70]] == ([True] * 10 + [False] * 10) * 3
    assert not any(on[:10])
    assert not any(on[70:])
    assert rates(attack, 170)[90:].tolist() == on


@pytest.mark.parametrize("rate", [1.0, 4.0, 20.0])
def test_places_are_put_back_as_those_of_each_address_would_be(rate: float) -> None:
    """`rate` is what each of ten addresses asks a second of an edge that gives 5 of them."""
    limits, share, many = Settings(), 0.25, 10
    pushed = Pushed(many, 1)
    pushed.set_rate(limits.door_network_per_s * share, limits.door_network_burst * share)
    places = Places(
        limits.door_network_per_s * share,
        limits.door_network_burst * share,
        limits.door_push_s_max * 1000,
    )
    peers = [bytes((10, 0, 0, n)) for n in range(many)]
    expected, found, owed = [], [], 0.0
    for tick in range(4 * 60):
        owed += rate / 4
        asks = int(owed)
        owed -= asks
        now_ms = 1_000_000 + tick * 250
        pushed.pass_by(0.25)
        if not asks:
            continue
        given = [places.place(peer, now_ms) for _ in range(asks) for peer in peers]
        backs = [one - now_ms for one in given if one is not None]
        back_s, was_given = pushed.places(np.array([0]), np.array([asks * many]))
        assert was_given.all() == (len(backs) == len(given))
        expected.append(np.mean(backs) / 1000 if backs else 600)
        found.append(back_s[0])
    # A tick's asks are one step on from each other; the mean of them is within two.
    assert np.abs(np.array(found) - np.array(expected)).max() <= max(2.0, rate / 4) / 5 + 0.01


def test_connections_are_let_go_of_when_their_time_is_over() -> None:
    holding = Holding(3, 6)
    holding.hold(np.array([0, 2]), np.array([5, 7]), 10.0, 8.0)
    holding.hold(np.array([1]), np.array([4]), 5.0, 1.0, np.array([3]))
    assert holding.idle.tolist() == [5, 0, 7]
    assert holding.listeners[1, 3] == 4
    holding.pass_to(6.0)
    assert holding.listeners.sum() == 0
    assert holding.idle.sum() == 12
    holding.pass_to(10.0)
    assert holding.idle.sum() == 0
    assert not holding


STANDS = [EdgeStands(Load(joining=0.3), DoorSecond()) for _ in range(EDGES)]


def watch(attack: Attack, machines: int, seconds: int = 60) -> list[tuple[float, ...]]:
    """Return, by machine, what share was kept out in the last ten seconds, and the bans."""
    found = []
    for machine in range(machines):
        swarm = Swarm(attack, np.random.default_rng(machine), [])
        watched = Watched(EDGES, KEY)
        out = []
        for second in range(seconds):
            each = per_s(attack, second) / (EDGES * MACHINES)
            swarm.look(watched, np.full(EDGES, each), second)
            policy = watched.second(second + 1.0, STANDS)
            out.append(1 - swarm.fates[Fate.SERVED])
        found.append((float(np.mean(out[-10:])), len(policy.bans), policy.network_share))
        watched.close()
    return found


@pytest.mark.parametrize(
    "attack",
    [
        Attack("ticket-forgery", 0, 600, per_s=600, addresses=40),  # banned soon
        Attack("cache-busting", 0, 600, per_s=400, addresses=4_000),  # too many to be banned
        Attack("join-flood-few", 0, 600, per_s=400, addresses=4),
    ],
    ids=lambda attack: attack.family,
)
def test_one_machine_s_shield_does_as_those_of_all_machines_do(attack: Attack) -> None:
    sampled, *others = watch(attack, MACHINES)
    out, bans, share = np.mean(others, axis=0)
    assert sampled[0] == pytest.approx(out, abs=0.06)
    assert sampled[1] == pytest.approx(bans, rel=0.1, abs=2)
    assert sampled[2] == share


def test_what_a_shield_bans_is_banned_again_for_longer_and_closed_then() -> None:
    attack = Attack("malformed-flood", 0, 600, per_s=600, addresses=20)
    swarm = Swarm(attack, np.random.default_rng(1), [])
    watched = Watched(EDGES, KEY)
    closed = []
    for second in range(40):
        swarm.look(watched, np.full(EDGES, 75.0), second)
        watched.second(second + 1.0, STANDS)
        closed.append(swarm.fates[Fate.CLOSED])
    watched.close()
    assert max(closed[:10]) == 0  # the first ban is for ten seconds, and nobody is closed by it
    assert max(closed[-10:]) > 0.9
    assert min(closed[-10:]) < 0.5, "bans are open in between"


def banned(peer: bytes, times: int, *, waiting: int = 0) -> Watched:
    """Return a machine where a network is banned for the so-many-th time."""
    watched = Watched(1, KEY)
    stands = [EdgeStands(Load(joining=0.3), DoorSecond(line=waiting > 0, waiting=waiting))]
    for second in range(30):
        for n in range(30):
            watched.act(0, Act.GARBAGE, peer, second + n / 30)
        watched.second(second + 1, stands)
        if [ban.times for ban in watched.policy.bans] == [times]:
            return watched
    raise AssertionError(watched.policy)


PEER = bytes((192, 0, 2, 7))


def now_s(watched: Watched) -> float:
    return (watched.policy.at_ms - EPOCH_MS) / 1000


def test_a_first_ban_keeps_nobody_out_but_forgers_unless_others_wait() -> None:
    """As an edge has it (`policy.keeps_out`)."""
    empty, full = banned(PEER, 1), banned(PEER, 1, waiting=5)
    at_s = now_s(empty)
    assert empty.comes(0, PEER, at_s, None) is Fate.SERVED
    assert empty.act(0, Act.JOIN, PEER, at_s) is Fate.SERVED
    assert empty.act(0, Act.FORGE, PEER, at_s) is Fate.PUT_OFF
    assert full.comes(0, PEER, at_s, None) is Fate.PUT_OFF
    assert full.act(0, Act.JOIN, PEER, at_s) is Fate.PUT_OFF
    assert full.act(0, Act.REST, PEER, at_s) is Fate.SERVED  # anybody may look at a page
    assert full.comes(0, PEER, at_s, Kind.RETURN) is Fate.SERVED
    assert full.comes(0, bytes((192, 0, 2, 8)), at_s, None) is Fate.SERVED
    empty.close()
    full.close()


def test_a_second_ban_is_for_the_kernel_but_where_people_listen_or_showed_a_ticket() -> None:
    watched = banned(PEER, 2)
    at_s = now_s(watched)
    assert watched.comes(0, PEER, at_s, None) is Fate.CLOSED
    assert watched.comes(0, PEER, at_s, Kind.RETURN) is Fate.CLOSED  # nobody reads what they show
    watched._haste[0].listening.take(PEER)
    assert watched.act(0, Act.GARBAGE, PEER, at_s) is Fate.SERVED
    assert watched.comes(0, PEER, at_s, None) is Fate.PUT_OFF
    assert watched.comes(0, PEER, at_s, Kind.RETURN) is Fate.SERVED
    watched._haste[0].listening.give_back(PEER)
    assert watched.comes(0, PEER, at_s, None) is Fate.PUT_OFF  # by that ticket
    watched.close()


def test_where_people_listen_nobody_is_banned_however_long_they_have_been_there() -> None:
    watched = Watched(1, KEY)
    assert watched.comes(0, PEER, 0.0, None) is Fate.SERVED
    for second in range(330, 360):
        for n in range(30):
            watched.act(0, Act.GARBAGE, PEER, second + n / 30)
        watched.second(second + 1, STANDS[:1])
    assert watched.policy.bans == ()
    watched.close()


SITE = Path(__file__).parents[3] / "src/stentor/edge/site"


def test_retries_are_those_of_the_page() -> None:
    backoff = (SITE / "backoff.js").read_text()
    connection = (SITE / "connection.js").read_text()
    assert "FIRST_MS = 250" in backoff
    assert "MAX_MS = 8_000" in backoff
    assert "Math.random() * 100" in backoff
    assert f"HEAD_MS = {retrying.HEAD_S * 1000:_.0f}" in connection
    assert f"CROWDED_MS = {coming._BARRED_S[0] * 1000:_.0f}" in connection
    assert f"SILENCE_MS = {retrying.SILENCE_S * 1000:_.0f}" in connection
    assert "this.periodMs * 1.25 + SILENCE_MS" in connection


def test_a_player_comes_again_at_once_and_then_ever_later() -> None:
    chance = np.random.default_rng(3)
    spans = [(0.0, 0.1), (0.25, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (4.0, 8.0)]
    for tries, (least_s, most_s) in enumerate(spans):
        waits = retrying.after_s(chance, np.full(1_000, tries, np.uint8))
        assert least_s <= waits.min() < least_s + (most_s - least_s) / 10
        assert most_s >= waits.max() > most_s - (most_s - least_s) / 10
