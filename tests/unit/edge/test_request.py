"""The request parser: strict, bounded, and never surprised."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.base.errors import Problem
from stentor.edge.request import HEAD_BYTES_MAX, Method, take_request

GOOD = b"GET /r/town-hall/live.mp4?rendition=aac48 HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n"


def status_of(data: bytes) -> int | None:
    """Return the refusal's status, 0 for a request, None for an incomplete one."""
    try:
        taken = take_request(data)
    except Problem as problem:
        return problem.status
    return None if taken is None else 0


def test_a_request_is_read_and_what_follows_is_left() -> None:
    taken = take_request(GOOD + b"GET /next")
    assert taken is not None
    request, length = taken
    assert length == len(GOOD)
    assert request.method is Method.GET
    assert request.path == "/r/town-hall/live.mp4"
    assert request.query == {"rendition": "aac48"}
    assert request.headers == {"host": "a", "range": "bytes=0-1"}
    assert request.keep_alive


@pytest.mark.parametrize("cut", range(1, len(GOOD)))
def test_half_a_request_is_waited_for(cut: int) -> None:
    assert status_of(GOOD[:cut]) is None


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
        (b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 9000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: int) -> None:
    assert status_of(data) == status


def test_an_empty_body_is_no_body() -> None:
    assert status_of(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n") == 0


def test_http_1_0_closes_unless_it_asks_not_to() -> None:
    taken = take_request(b"GET / HTTP/1.0\r\n\r\n")
    assert taken is not None
    assert not taken[0].keep_alive


@given(st.binary(max_size=HEAD_BYTES_MAX + 100))
def test_any_bytes_are_a_request_a_refusal_or_too_few(data: bytes) -> None:
    status = status_of(data)
    if len(data) >= HEAD_BYTES_MAX:
        assert status is not None


@given(
    st.text(st.characters(codec="latin-1"), max_size=300),
    st.lists(st.text(st.characters(codec="latin-1"), max_size=80), max_size=20),
)
def test_any_lines_are_a_request_or_a_refusal(first: str, rest: list[str]) -> None:
    data = "\r\n".join((first, *rest, "", "")).encode("latin-1")
    assert status_of(data) in {None, 0, 400, 405, 413, 414, 431, 505}


@pytest.mark.parametrize("filler", [b" ", b"\t", b"a", b"a=1&", b"GET "])
def test_no_head_of_the_greatest_size_takes_long(filler: bytes) -> None:
    data = b"GET / HTTP/1.1\r\nA:" + filler * (8000 // len(filler)) + b"\x00\r\n\r\n"
    took_s = []
    for _ in range(3):
        began = time.thread_time()
        assert status_of(data) == 400
        took_s.append(time.thread_time() - began)
    assert min(took_s) < 0.1
