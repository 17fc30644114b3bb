"""The rehearsals in the data folder that have a certificate, as a pre-flight is told of them.

Whether one is enough for an event is decided elsewhere; here, whether its certificate holds.
"""

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.base.errors import ConfigurationError
from stentor.base.paths import DataFolder
from stentor.base.secrets import KEY_BYTES, load_secret
from stentor.evidence.chain import public_hex
from stentor.rehearsal.answer import Outcome
from stentor.rehearsal.certificate import BYTES_MAX, check
from stentor.rehearsal.claims import Simulated, largest_tested
from stentor.rehearsal.readiness import RehearsalFacts

LOOKED_AT_MAX = 1_000  # folders, the newest
CERTIFIED_MAX = 20


def rehearsals(folder: DataFolder) -> tuple[RehearsalFacts, ...]:
    """Return those that are certified, the newest first."""
    try:
        names = sorted(path.name for path in folder.rehearsals.iterdir() if path.is_dir())
    except OSError:
        return ()
    found: list[RehearsalFacts] = []
    key, failed = _public_key(folder), 0
    for name in reversed(names[-LOOKED_AT_MAX:]):
        data = _read(folder.certificate(name))
        one = None if data is None else _facts(name, data, key, failed)
        if one is None:
            failed += 1
            continue
        found.append(one)
        if len(found) == CERTIFIED_MAX:
            break
    return tuple(found)


def _facts(name: str, data: bytes, key: str | None, failed_since: int) -> RehearsalFacts | None:
    checked = check(data, key)
    one = checked.certificate
    if one is None:
        return None
    faults = checked.faults if key is not None else ("its key is not here", *checked.faults)
    tested = largest_tested(one.claims)
    simulated = [claim for claim in one.claims if isinstance(claim, Simulated)]
    held = [claim.peak for claim in simulated if claim.outcome != Outcome.FAILS]
    return RehearsalFacts(
        name=name,
        at_ms=_unix_ms(one.run.at),
        faults=faults,
        sentence=one.sentence,
        build=one.run.build,
        machine=one.run.machine,
        settings=one.run.settings,
        calibration=one.calibration,
        measured_max=tested.listeners if tested is not None else 0,
        simulated_max=max(held, default=0),
        failed_since=failed_since,
    )


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except OSError:
        return None


def _public_key(folder: DataFolder) -> str | None:
    try:
        secret = load_secret(folder.rehearsal_key)
    except ConfigurationError:
        return None
    if secret is None or len(secret) != KEY_BYTES:
        return None
    return public_hex(Ed25519PrivateKey.from_private_bytes(secret))


def _unix_ms(at: str) -> int | None:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return round(moment.timestamp() * 1000) if moment.tzinfo is not None else None
