"""The certificate of a rehearsal: what was run, what that showed, signed; and how it is checked.

A rehearsal whose simulation its own trials refute cannot be certified. The signature shows who
says all this; whether it is true, only who rehearses again can tell. Opens no file.
"""

import hashlib
from collections.abc import Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stentor.base.build import Build
from stentor.base.errors import StentorError
from stentor.base.machine import Machine
from stentor.evidence.chain import public_hex, signed_by
from stentor.rehearsal.band import RESOLUTION_S, is_borne_out
from stentor.rehearsal.claims import (
    Assumed,
    Claim,
    Measured,
    Simulated,
    fault_of_claim,
    measured,
    sentence,
    told,
)
from stentor.rehearsal.trial import decode_trials
from stentor.simulate.fleet.calibration import Calibration, Costs
from stentor.simulate.fleet.scenario import Fleet

FORMAT = 2
BYTES_MAX = 4 << 20
CLAIMS_MAX = 1_000
TRIALS_FILE = "trials.jsonl"  # in the rehearsal's folder: the trials as they were measured
_CERTIFICATE = b"stentor rehearsal certificate 1\0"


class Uncertifiable(StentorError):
    """Of this rehearsal there can be no certificate; the text says why."""


class ScenarioText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scenario as it was read, whole."""

    name: str
    text: str
    sha256: str


class Compared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One figure that the simulation predicted and a trial measured."""

    what: str
    listeners: int
    predicted: float
    measured: float


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was run."""

    at: str  # ISO 8601, UTC
    build: Build
    machine: Machine
    settings: dict[str, str]  # the deployment's that are not the default, without secrets
    scenario: ScenarioText
    listeners: int | None  # who were to come; None: as the scenario says
    seed: int


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is signed. `files` are the rehearsal's other files by name, as SHA-256."""

    format: int
    sentence: str
    run: Run
    fleet: Fleet  # that was simulated, its machines filled in
    calibration: Calibration
    claims: tuple[Claim, ...]
    compared: tuple[Compared, ...]
    files: dict[str, str]


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate as a file: `sig` is Ed25519 (RFC 8032) over its canonical JSON."""

    certificate: Certificate
    key: str
    sig: str


class Checked(msgspec.Struct, frozen=True):
    """What checking found. Whole: signed by that key, and its labels fit its evidence."""

    whole: bool
    faults: tuple[str, ...]
    key: str = ""
    certificate: Certificate | None = None
    files_seen: tuple[str, ...] = ()


def scenario_text(name: str, text: str) -> ScenarioText:
    """Return a scenario as a certificate holds it."""
    return ScenarioText(name, text, _sha256(text.encode()))


def certify(
    run: Run,
    fleet: Fleet,
    calibration: Calibration,
    claims: tuple[Claim, ...],
    compared: tuple[Compared, ...],
    files: Mapping[str, bytes],
    key: Ed25519PrivateKey,
) -> bytes:
    """Return the certificate's file; raises `Uncertifiable` where labels and evidence differ.

    What nobody measured is assumed, and is added to the claims here.
    """
    known = {claim.what for claim in claims if isinstance(claim, Assumed)}
    assumed = tuple(Assumed(what) for what in _assumed(calibration) if what not in known)
    claims = (*claims, *assumed)
    digests = {name: _sha256(data) for name, data in files.items()}
    certificate = Certificate(
        FORMAT, sentence(claims), run, fleet, calibration, claims, compared, digests
    )
    # As it will be read: a whole number where a fraction may stand is written as one.
    try:
        certificate = msgspec.json.decode(_encode(certificate), type=Certificate)
    except msgspec.MsgspecError as error:  # a figure that is none, such as a mean of nothing
        raise Uncertifiable(f"There is no certificate for this: {error}.") from None
    body = _encode(certificate)
    sig = key.sign(_CERTIFICATE + body).hex()
    data = _encode(Signed(certificate, public_hex(key), sig)) + b"\n"
    checked = check(data, files=files)
    if not checked.whole:
        raise Uncertifiable(f"There is no certificate for this: {'; '.join(checked.faults)}.")
    return data


def check(data: bytes, key: str | None = None, files: Mapping[str, bytes] | None = None) -> Checked:
    """Say whether a file is a certificate as it was signed, and whether it may say what it says.

    `key` is the one that was published, hexadecimal; `files` what the rehearsal's folder holds,
    None if it is not at hand. Never raises.
    """
    if len(data) > BYTES_MAX:
        return Checked(False, (f"a certificate has at most {BYTES_MAX:,} bytes",))
    try:
        signed = msgspec.json.decode(data, type=Signed)
        canonical = _encode(signed) + b"\n"
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Checked(False, (f"this is not a certificate, or not a whole one: {error}"[:300],))
    one = signed.certificate
    if one.format != FORMAT:  # which is no reason to say that it was changed
        told = f"it is of format {one.format}; this version reads {FORMAT}"
        return Checked(False, (told,), signed.key, one)
    faults: list[str] = []
    if data != canonical:
        faults.append("it is not written as certificates are: something was added or moved")
    if not signed_by(signed.key, signed.sig, _CERTIFICATE + _encode(one)):
        faults.append("it was changed after it was signed")
    if key is not None and signed.key != key:
        faults.append("it was signed with another key than the one given")
    faults += _faults(one)
    seen: tuple[str, ...] = ()
    if files is not None:
        faults += _faults_of_files(one, files)
        seen = tuple(sorted(set(files) & set(one.files)))
    return Checked(not faults, tuple(faults), signed.key, one, seen)


def _faults(one: Certificate) -> list[str]:
    faults = []
    if _sha256(one.run.scenario.text.encode()) != one.run.scenario.sha256:
        faults.append("its scenario does not have the digest that it says")
    if len(one.claims) > CLAIMS_MAX or len(one.compared) > CLAIMS_MAX:
        faults.append(f"it claims more than {CLAIMS_MAX} things")
    faults += [f"it claims {why}" for claim in one.claims if (why := fault_of_claim(claim))]
    if one.sentence != sentence(one.claims):
        faults.append("its sentence says something else than its claims")
    if not all(map(_can_be, (one.calibration.plain, one.calibration.tls))):
        faults.append("what it says that a listener costs cannot be")
    assumed = {claim.what for claim in one.claims if isinstance(claim, Assumed)}
    if not assumed.issuperset(_assumed(one.calibration)):
        faults.append("it is silent about what it assumes")
    return faults + _faults_of_simulated(one) + _faults_of_measured(one)


def _can_be(costs: Costs) -> bool:
    """Say whether these are costs: whoever plans with them divides by them."""
    each = (*costs.delivery_s.values(), costs.join_s, costs.memory_bytes, costs.saved_worth)
    return bool(costs.delivery_s) and min(each) > 0.0 and costs.overhead >= 1.0


def _faults_of_simulated(one: Certificate) -> list[str]:
    faults = []
    simulated = [claim for claim in one.claims if isinstance(claim, Simulated)]
    if any(each.machines != one.fleet.machines for each in simulated):
        faults.append("its simulation was of another fleet than the one it names")
    if one.run.listeners and any(each.listeners != one.run.listeners for each in simulated):
        faults.append("its simulation was of another number of listeners than were asked for")
    return faults


def _faults_of_measured(one: Certificate) -> list[str]:
    faults = []
    tested = [claim.tested for claim in one.claims if isinstance(claim, Measured)]
    if one.calibration.measured and not tested:
        faults.append("its costs are said to be measured, but it has no trial")
    if any(each.cores > one.run.machine.cores for each in tested):
        faults.append("a trial had more cores than the machine")
    if tested and TRIALS_FILE not in one.files:
        faults.append(f"it claims trials, but names no {TRIALS_FILE}")
    most = max((each.came for each in tested), default=0)
    for pair in one.compared:
        if why := refuted(pair):
            faults.append(why)
        if pair.listeners > most:
            faults.append(f"it compares with {pair.listeners:,} listeners, whom no trial had")
    return faults


def refuted(pair: Compared) -> str | None:
    """Say that a trial refutes the simulation, or None."""
    if is_borne_out(pair.predicted, pair.measured, RESOLUTION_S):
        return None
    return (
        f"its simulation is refuted: {pair.what} with {pair.listeners:,} listeners was predicted"
        f" as {pair.predicted:.4g} and measured as {pair.measured:.4g}"
    )


def _faults_of_files(one: Certificate, files: Mapping[str, bytes]) -> list[str]:
    faults = []
    for name, digest in sorted(one.files.items()):
        if name not in files:
            faults.append(f"{name} is missing beside it")
        elif _sha256(files[name]) != digest:
            faults.append(f"{name} is not the file that was signed")
    claimed = tuple(claim for claim in one.claims if isinstance(claim, Measured))
    if TRIALS_FILE in files:
        trials = decode_trials(files[TRIALS_FILE])
        if measured(trials) != claimed:
            faults.append(f"its measured claims are not what {TRIALS_FILE} holds")
        if any(trial.version != one.run.build.digest for trial in trials):
            faults.append(f"{TRIALS_FILE} holds trials of other code than it names")
    return faults


def _assumed(calibration: Calibration) -> tuple[str, ...]:
    costs = () if calibration.measured else ("costs",)
    return (*costs, "scale", "people", "fleet", "prices")


def proved(checked: Checked) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a whole certificate proves and what it does not, in sentences for people."""
    one = checked.certificate
    if one is None or not checked.whole:
        return (), ()
    shown = [
        f"The holder of the key {checked.key} signed exactly this.",
    ]
    if any(isinstance(claim, Measured) for claim in one.claims):
        shown.append("No simulated figure is among its measured claims: each is a trial's.")
    if checked.files_seen:
        shown.append(f"Unchanged beside it: {', '.join(checked.files_seen)}.")
    if one.compared:
        shown.append(
            f"In {len(one.compared)} comparisons its trials did not refute its simulation, each for"
            " the machine's speed during that trial, as work beside it showed."
        )
    not_shown = [
        "That it is true: a signature shows who says something. Only rehearsing again shows more.",
        "That it holds on other machines, with other code, or with other settings.",
    ]
    if any(isinstance(claim, Simulated) for claim in one.claims):
        not_shown.append("That the simulated listeners could have been served: none was there.")
    if not any(isinstance(claim, Measured) for claim in one.claims):
        not_shown.append("Anything about this machine: nothing was measured.")
    elif not one.compared:
        not_shown.append("That the simulation predicts what is measured: they were not compared.")
    if not checked.files_seen and one.files:
        not_shown.append("That its files are unchanged: they were not given (--folder).")
    return tuple(shown), tuple(not_shown)


def lines(one: Certificate) -> tuple[tuple[str, str], ...]:
    """Return the claims as label and sentence, in their order."""
    return tuple((type(claim).__name__.lower(), told(claim)) for claim in one.claims)


def _encode(value: object) -> bytes:
    plain = msgspec.to_builtins(value, str_keys=True)  # lanes are numbers, keys of JSON are not
    return msgspec.json.encode(plain, order="deterministic")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
