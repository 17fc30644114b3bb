"""Offers as clients and attackers send them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.base.errors import Problem
from stentor.stage.offer import FMTP, OFFER_BYTES_MAX, mend_answer, read_offer

AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"
OFFER = f"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n{AUDIO}"


def test_candidates_are_taken_out_and_what_is_needed_is_left_alone() -> None:
    offer = (
        OFFER + "a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\na=end-of-candidates\r\na=mid:0\r\n"
    )
    assert read_offer(offer.encode()) == OFFER + "a=mid:0\r\n"


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_no_candidate_hides_behind_what_only_python_takes_for_the_end_of_a_line(end: str) -> None:
    offer = OFFER + f"a=mid:0{end}a=candidate:1 1 udp 1 victim.local 9 typ host\r\n"
    assert read_offer(offer.encode()) == OFFER + "a=mid:0\r\n"


def test_an_offer_that_would_take_aiortc_seconds_is_refused_or_made_small() -> None:
    feedback = "a=rtcp-fb:* x\r\n" * 2_000 + "a=ssrc:1 cname:x\r\n" * 1_000
    assert read_offer((OFFER + feedback).encode()) == OFFER
    with pytest.raises(Problem):
        read_offer((OFFER + "a=rtpmap:1 opus/48000\r\n" * 2_000).encode())


def test_bare_line_feeds_are_understood() -> None:
    assert read_offer(OFFER.replace("\r\n", "\n").encode()) == OFFER


@pytest.mark.parametrize(
    ("offer", "status"),
    [
        (b"", 400),
        (b"v=1\r\n", 400),
        (b"\xff\xfe", 400),
        (b"{}", 400),
        (OFFER.replace("m=audio", "m=video").encode(), 400),
        (OFFER.replace("opus", "PCMU").encode(), 400),
        ((OFFER + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n").encode(), 400),
        ((OFFER + AUDIO * 8).encode(), 400),
        ((OFFER + "a=" + "x" * 5_000 + "\r\n").encode(), 400),
        (OFFER.encode() + b"a=x\r\n" * OFFER_BYTES_MAX, 413),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(offer: bytes, status: int) -> None:
    with pytest.raises(Problem) as caught:
        read_offer(offer)
    assert caught.value.status == status
    assert caught.value.detail


@given(st.binary(max_size=300).map(lambda tail: OFFER.encode() + tail))
def test_no_bytes_make_it_raise_anything_else(offer: bytes) -> None:
    with contextlib.suppress(Problem):
        assert read_offer(offer).startswith("v=0")


def test_the_answer_asks_for_fec_once() -> None:
    for own in ("", "a=fmtp:111 minptime=10\r\n"):
        mended = mend_answer(AUDIO + own + "a=mid:0\r\n")
        assert mended == AUDIO + f"a=fmtp:111 {FMTP}\r\na=mid:0\r\n"
