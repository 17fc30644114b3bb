"""A certificate is checked by whoever has the file: what was edited, moved or claimed too much."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.rehearsal.certificate import (
    _CERTIFICATE,
    TRIALS_FILE,
    Certificate,
    Compared,
    Signed,
    Uncertifiable,
    _encode,
    certify,
    check,
    lines,
    proved,
)
from stentor.rehearsal.claims import (
    Assumed,
    Claim,
    Extrapolated,
    Simulated,
    fault_of_claim,
    measured,
    sentence,
    told,
)
from stentor.rehearsal.trial import Kind
from support.rehearsed import (
    COMPARED,
    FLEET,
    KEY,
    MEASURED,
    OTHER_KEY,
    PUBLIC_KEY,
    RUN,
    SIMULATED,
    certificate,
    claimed,
    claims,
    encoded,
    files,
    trial,
)

GOOD = certificate()


def resigned(changed: Certificate, key=KEY) -> bytes:  # type: ignore[no-untyped-def]
    """A certificate whose holder of the key signs whatever it says."""
    from stentor.evidence.chain import public_hex

    sig = key.sign(_CERTIFICATE + _encode(changed)).hex()
    return _encode(Signed(changed, public_hex(key), sig)) + b"\n"


def good() -> Certificate:
    return msgspec.json.decode(GOOD, type=Signed).certificate


def test_a_certificate_says_in_one_sentence_what_was_tested_and_what_was_simulated() -> None:
    found = check(GOOD, PUBLIC_KEY, files())
    assert found.whole, found.faults
    assert found.certificate is not None
    assert found.certificate.sentence == (
        "Tested here with 2,000 real listeners on 2 cores; simulated with 8,000,000."
    )


def test_a_certificate_of_another_format_is_not_said_to_have_been_changed() -> None:
    found = check(resigned(msgspec.structs.replace(good(), format=1)), PUBLIC_KEY)
    assert found.faults == ("it is of format 1; this version reads 2",)
    assert not found.whole


@given(at=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_every_bit_that_is_changed_is_found(at: int, bit: int) -> None:
    changed = bytearray(GOOD)
    changed[at] ^= 1 << bit
    assert not check(bytes(changed), PUBLIC_KEY).whole


@given(at=st.integers(0, len(GOOD) - 1))
def test_a_certificate_that_was_cut_is_none(at: int) -> None:
    assert not check(GOOD[:at]).whole
    assert not check(GOOD[at + 1 :]).whole


@given(at=st.integers(0, len(GOOD)), more=st.binary(min_size=1, max_size=40))
def test_a_certificate_with_something_put_in_is_none(at: int, more: bytes) -> None:
    assert not check(GOOD[:at] + more + GOOD[at:], PUBLIC_KEY).whole


def test_the_same_content_in_another_form_is_refused() -> None:
    spread = msgspec.json.format(GOOD.strip(), indent=1) + b"\n"
    assert "added or moved" in check(spread).faults[0]


def test_a_field_that_is_not_known_is_refused() -> None:
    document = msgspec.json.decode(GOOD)
    document["certificate"]["tested"] = 8_000_000
    assert not check(msgspec.json.encode(document, order="deterministic") + b"\n").whole


def test_a_certificate_that_another_key_signed_is_told_by_the_published_one() -> None:
    forged = resigned(good(), OTHER_KEY)
    assert check(forged).whole  # whose key it is, only the published one shows
    assert check(forged, PUBLIC_KEY).faults == (
        "it was signed with another key than the one given",
    )


def test_what_was_simulated_cannot_be_relabelled_as_measured_by_editing() -> None:
    document = msgspec.json.decode(GOOD)
    for claim in document["certificate"]["claims"]:
        if claim["type"] == "simulated":
            claim["type"] = "measured"
    assert not check(msgspec.json.encode(document, order="deterministic") + b"\n").whole


def test_even_the_key_holder_cannot_have_a_sentence_that_says_more_than_the_claims() -> None:
    lie = msgspec.structs.replace(
        good(), sentence="Tested here with 8,000,000 real listeners on 2 cores."
    )
    assert "its sentence says something else than its claims" in check(resigned(lie)).faults


def test_a_measured_claim_that_no_trial_in_the_folder_bears_out_is_found() -> None:
    lie = tuple(claimed(9_000) if one == claimed(2_000) else one for one in good().claims)
    signed = resigned(msgspec.structs.replace(good(), claims=lie, sentence=sentence(lie)))
    assert check(signed).whole  # the trials themselves are the evidence: give the folder
    assert check(signed, files=files()).faults == (
        "its measured claims are not what trials.jsonl holds",
    )


def test_trials_of_other_code_are_no_evidence_for_this() -> None:
    other = (trial(10, version="f" * 64),)
    with pytest.raises(Uncertifiable, match="other code"):
        certificate(trials=other)


def test_trials_that_do_not_count_are_no_claims() -> None:
    nobody = trial(10, listening=0)
    assert measured([trial(10, void="others took the CPU"), nobody]) == ()
    assert measured([trial(10, heard=9, listening=10)])[0].tested.listeners == 9


def test_a_file_that_was_changed_or_taken_away_is_found() -> None:
    others = files() | {"answer.json": b"{}"}
    assert check(GOOD, files=others).faults == ("answer.json is not the file that was signed",)
    assert check(GOOD, files={TRIALS_FILE: files()[TRIALS_FILE]}).faults == (
        "answer.json is missing beside it",
    )


@pytest.mark.parametrize(
    "odd",
    [
        claimed(10, listeners=0),
        claimed(10, came=9),
        claimed(10, checks=9, hashed=0, decoded=0),
        claimed(10, hashed=10_000),
        claimed(10, stalls=-1),
        claimed(10, seconds=0.0),
        claimed(10, cores=3),
        claimed(10, kind="in 8,000,000 browsers"),
        Simulated(0, 0, 60.0, 1, 1, "holds"),
        Simulated(10, 11, 60.0, 1, 1, "holds"),
        Simulated(10, 9, 60.0, 1, 1, "tested"),
        Simulated(8_000_000, 6_400_000, 3_600.0, 800, 101, "holds"),
        Simulated(9_000_000, 6_400_000, 3_600.0, 800, 100, "holds"),
        Extrapolated("listeners tested", 8_000_000),
        Extrapolated("cores", -1),
        Extrapolated("cores", float("nan")),
        Extrapolated("cores", float("inf")),
        Assumed("8,000,000 listeners were tested"),
    ],
)
def test_a_claim_that_no_rehearsal_could_have_found_is_not_certified(odd: Claim) -> None:
    with pytest.raises(Uncertifiable):
        certify(RUN, FLEET, MEASURED, (*claims(), odd), COMPARED, files(), KEY)


def test_a_simulation_that_its_trials_refute_is_not_certified() -> None:
    hopeful = (Compared("CPU of an edge", 2_000, 0.89, 1.0),)
    gloomy = (Compared("CPU of an edge", 2_000, 1.16, 1.0),)
    fair = (Compared("CPU of an edge", 2_000, 1.14, 1.0),)
    assert check(certificate(compared=fair)).whole
    for pairs in (hopeful, gloomy):
        with pytest.raises(Uncertifiable, match="refuted"):
            certificate(compared=pairs)


def test_a_comparison_with_more_listeners_than_any_trial_had_is_not_certified() -> None:
    with pytest.raises(Uncertifiable, match="whom no trial had"):
        certificate(compared=(Compared("CPU of an edge", 8_000_000, 1.0, 1.0),))


def test_a_simulation_alone_says_that_nothing_was_measured() -> None:
    found = check(certificate(trials=()))
    assert found.whole, found.faults
    assert found.certificate is not None
    assert found.certificate.sentence == ("Nothing was measured: only simulated, with 8,000,000.")
    assert Assumed("costs") in found.certificate.claims
    assert "Anything about this machine: nothing was measured." in proved(found)[1]


def test_measured_costs_need_a_trial() -> None:
    with pytest.raises(Uncertifiable, match="no trial"):
        certify(RUN, FLEET, MEASURED, (SIMULATED,), (), {}, KEY)


def test_trials_without_their_file_are_not_certified() -> None:
    with pytest.raises(Uncertifiable, match=TRIALS_FILE):
        certify(RUN, FLEET, MEASURED, claims(), COMPARED, {}, KEY)
    other = {TRIALS_FILE: encoded((trial(1),))}
    with pytest.raises(Uncertifiable, match=TRIALS_FILE):
        certify(RUN, FLEET, MEASURED, claims(), COMPARED, other, KEY)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("holds", "simulated with 8,000,000."),
        ("holds with a line", "simulated with 8,000,000, some of them in line."),
        ("fails", "simulated with 8,000,000, which fails."),
    ],
)
def test_how_a_simulation_ended_is_in_the_sentence(outcome: str, said: str) -> None:
    ended = msgspec.structs.replace(SIMULATED, outcome=outcome)
    assert sentence((claimed(), ended)).endswith(said)


@pytest.mark.parametrize(
    "costs",
    [
        {"join_s": 0.0},
        {"delivery_s": {}},
        {"delivery_s": {1: -1e-6}},
        {"overhead": 0.5},
        {"saved_worth": 0.0},
    ],
)
def test_costs_that_cannot_be_are_not_certified(costs: dict[str, object]) -> None:
    free = msgspec.structs.replace(
        MEASURED,
        tls=msgspec.structs.replace(MEASURED.tls, **costs),  # type: ignore[arg-type]
    )
    with pytest.raises(Uncertifiable, match="costs cannot be"):
        certify(RUN, FLEET, free, claims(), COMPARED, files(), KEY)


def _places(value: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Return where in a document something stands that could be something else."""
    inner: list[tuple[object, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [at, *(place for key, one in inner for place in _places(one, (*at, key)))]


PLACES = _places(msgspec.json.decode(GOOD))[1:]
values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.just([]), st.just({}), st.just({"type": "measured"}),
)  # fmt: skip


@given(st.sampled_from(PLACES), values)
def test_whatever_stands_in_a_certificate_it_is_checked_without_a_fault_of_ours(
    place: tuple[object, ...], value: object
) -> None:
    document = msgspec.json.decode(GOOD)
    holder = document
    for step in place[:-1]:
        holder = holder[step]
    same = holder[place[-1]] == value
    holder[place[-1]] = value
    found = check(msgspec.json.encode(document, order="deterministic") + b"\n", PUBLIC_KEY)
    assert found.whole <= same
    try:
        changed = msgspec.convert(document["certificate"], Certificate, str_keys=True)
    except (msgspec.ValidationError, TypeError):
        return
    found = check(resigned(changed))  # and if its own key had signed it
    if found.certificate is not None:
        lines(found.certificate)
        proved(found)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_certificate_are_none(data: bytes) -> None:
    assert not check(data).whole


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_of_trial_may_be_claimed_and_is_told_as_what_it_was(kind: Kind) -> None:
    [claim] = measured([trial(10, kind=kind)])
    assert fault_of_claim(claim) is None
    assert "10 real listeners by TLS" in told(claim)
    assert "TLS , for" not in told(claim)
