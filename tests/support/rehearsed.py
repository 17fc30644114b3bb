"""A rehearsal's findings as trials and simulation would hand them over, and their certificate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.base.build import Build
from stentor.base.machine import Machine
from stentor.evidence.chain import public_hex
from stentor.rehearsal.certificate import (
    TRIALS_FILE,
    Compared,
    Run,
    certify,
    scenario_text,
)
from stentor.rehearsal.claims import Claim, Extrapolated, Measured, Simulated, measured
from stentor.rehearsal.trial import Checked, Kind, Trial, encode_trial
from stentor.simulate.fleet.calibration import SHIPPED, Calibration
from stentor.simulate.fleet.scenario import Fleet

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC_KEY = public_hex(KEY)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
MEASURED: Calibration = msgspec.structs.replace(SHIPPED, measured=True, machine="this one")

SCENARIO = """
name = "small"
about = "A few people – für alle."
event = { listeners = 400, lasts_s = 60, hour_s = 20 }
arrivals = [{ model = "steady" }]
"""
FLEET = Fleet(machines=100)
RUN = Run(
    at="2026-11-23T02:00:00Z",
    build=Build("0.1.0", "a" * 40, "b" * 64),
    machine=Machine("A CPU", 2, 24 << 30, "Linux 6.1", "3.11.2"),
    settings={"edges": "4"},
    scenario=scenario_text("small", SCENARIO),
    listeners=8_000_000,
    seed=7,
)


def trial(listeners: int = 2_000, **more: Any) -> Trial:
    """Return a trial that went well; what listeners checked, and facts of the trial, may differ."""
    counted: dict[str, int] = {
        "came": listeners,
        "heard": listeners,
        "listening": listeners,
        "parts": listeners * 60,
        "hashed": listeners,
        "decoded": min(240, listeners),
    }
    facts: dict[str, Any] = {
        "kind": Kind.CROWD,
        "size": listeners,
        "tls": True,
        "lane_parts": 3,
        "edges": 2,
        "cores": 2,
        "apart": True,
        "join_share": 0.5,
        "per_s": 0.0,
        "at": "2026-11-23T02:00:00Z",
        "lasts_s": 20.0,
        "version": RUN.build.digest,
    }
    for name, value in more.items():
        (counted if name in Checked.__struct_fields__ else facts)[name] = value
    return Trial(**facts, checked=Checked(**counted))


def claimed(size: int = 2_000, **changes: Any) -> Measured:
    """Return a measured claim with some of its figures changed, as no trial would have it."""
    [claim] = measured([trial(size)])
    return Measured(msgspec.structs.replace(claim.tested, **changes))


def encoded(trials: Iterable[Trial]) -> bytes:
    """Return the trials as their file holds them."""
    return b"".join(encode_trial(one) for one in trials)


TRIALS = (trial(500), trial(1_000), trial(2_000))
SIMULATED = Simulated(8_000_000, 6_400_000, 3_600.0, 800, 100, "holds")
COMPARED = tuple(Compared("CPU of an edge", one.size, 1.04 * one.size, one.size) for one in TRIALS)
ANSWER = b'{"edges":800}\n'


def files(trials: tuple[Trial, ...] = TRIALS) -> dict[str, bytes]:
    """Return what lies in the rehearsal's folder beside the certificate."""
    return {"answer.json": ANSWER} | ({TRIALS_FILE: encoded(trials)} if trials else {})


def claims(trials: tuple[Trial, ...] = TRIALS) -> tuple[Claim, ...]:
    """Return what such a rehearsal claims."""
    return (
        *measured(trials),
        SIMULATED,
        Extrapolated("edge processes", 800),
    )


def certificate(
    trials: tuple[Trial, ...] = TRIALS,
    run: Run = RUN,
    compared: tuple[Compared, ...] | None = None,
    key: Ed25519PrivateKey = KEY,
    also: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return the certificate of a rehearsal with these trials; of none: of a simulation alone."""
    if compared is None:
        compared = COMPARED if trials == TRIALS else ()
    calibration = MEASURED if trials else SHIPPED
    return certify(
        run, FLEET, calibration, claims(trials), compared, files(trials) | dict(also or {}), key
    )
