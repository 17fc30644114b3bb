"""Requests as bytes become facts: a bounded, strict HTTP/1.1 head parser. Sans I/O.

Decides what is a request at all; what it asks for is decided in `routes`. There are no bodies,
no percent-encoded paths and no ambiguous lengths, so there is nothing to smuggle.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from stentor.base.errors import Problem

HEAD_BYTES_MAX = 8192
TARGET_BYTES_MAX = 2048
HEADERS_MAX = 100

_END = b"\r\n\r\n"
_LINE = re.compile(rb"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.([01])\Z")
_ANY_LINE = re.compile(rb"([!-~]+) ([!-~]+) HTTP/(\d)\.(\d)\Z")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t -~\x80-\xff]*)\Z")
_KEPT = frozenset(
    (
        *("host", "range", "if-range", "if-none-match", "accept-encoding", "connection", "accept"),
        "x-forwarded-for",
    )
)
_QUERY = re.compile(r"[A-Za-z0-9_\-.~]*\Z")
# Browsers of one make say the same to the byte: heads that were good are known again.
_REMEMBERED_MAX = 512
_REMEMBERED_BYTES_MAX = 2048


_Found = TypeVar("_Found")


class Method(Enum):
    """What a listener may do: look."""

    GET = "GET"
    HEAD = "HEAD"
    OPTIONS = "OPTIONS"


@dataclass(frozen=True, slots=True)
class Request:
    """One request's head; `headers` holds only those that an edge reads, and is shared."""

    method: Method
    path: str
    query_text: str
    headers: dict[str, str]
    http_1_0: bool = False

    @property
    def query(self) -> dict[str, str]:
        """The query's keys and values; raises a `Problem` unless it is plain."""
        return read_query(self.query_text)

    @property
    def keep_alive(self) -> bool:
        """Whether the client wants to go on on this connection."""
        wish = self.headers.get("connection", "").lower()
        if self.http_1_0:
            return "keep-alive" in wish
        return "close" not in wish


_requests: dict[bytes, Request] = {}
_field_blocks: dict[bytes, dict[str, str]] = {}


def _remember(memory: dict[bytes, _Found], data: bytes, found: _Found) -> None:
    if len(data) <= _REMEMBERED_BYTES_MAX:
        if len(memory) >= _REMEMBERED_MAX:
            memory.clear()
        memory[data] = found


def _fields(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    hosts = 0
    for line in lines:
        match = _FIELD.match(line)
        if match is None:
            raise Problem(400, "malformed-request", "A header line is malformed")
        name = match[1].decode().lower()
        if name == "transfer-encoding" or (name == "content-length" and match[2].strip() != b"0"):
            raise Problem(413, "body", "Requests here have no body")
        if name == "host":
            hosts += 1
        if name in _KEPT:
            headers[name] = match[2].decode("latin-1").strip()
    if hosts > 1:
        raise Problem(400, "malformed-request", "More than one Host header")
    return headers


def read_query(text: str) -> dict[str, str]:
    """Return the keys and values of a query string; nothing in it may need an encoding."""
    query: dict[str, str] = {}
    for pair in text.split("&") if text else ():
        key, equals, value = pair.partition("=")
        if not equals or key in query or not (_QUERY.match(key) and _QUERY.match(value)):
            raise Problem(400, "malformed-query", "The query string is malformed")
        query[key] = value
    return query


def _request_line(line: bytes) -> tuple[Method, str, str, bool]:
    match = _LINE.match(line)
    if match is None:
        other = _ANY_LINE.match(line)
        if other is not None and other[3] != b"1":
            raise Problem(505, "http-version", "This server speaks HTTP/1.1")
        raise Problem(400, "malformed-request", "That is not an HTTP request")
    if len(match[2]) > TARGET_BYTES_MAX:
        raise Problem(414, "long-address", "The address is too long")
    try:
        method = Method(match[1].decode())
    except ValueError:
        raise Problem(405, "method", "Only GET, HEAD and OPTIONS are answered here") from None
    path, _, query = match[2].decode().partition("?")
    return method, path, query, match[3] == b"0"


def take_request(buffer: bytes | bytearray) -> tuple[Request, int] | None:
    """Return the request at the start of `buffer` and its length, None while it is incomplete.

    Raises `Problem` when it will never be one; the connection is of no use after that.
    """
    end = buffer.find(_END)
    if end < 0:
        if len(buffer) >= HEAD_BYTES_MAX:
            raise Problem(431, "large-head", "The request's head is larger than 8 KiB")
        if len(buffer) >= 8 and b"\n" not in buffer and b" " not in buffer[:32]:
            raise Problem(400, "malformed-request", "That is not an HTTP request")
        return None
    if end + len(_END) > HEAD_BYTES_MAX:
        raise Problem(431, "large-head", "The request's head is larger than 8 KiB")
    head = bytes(buffer[:end])
    request = _requests.get(head)
    if request is None:
        request = _parse(head)
        _remember(_requests, head, request)
    return request, end + len(_END)


def _parse(head: bytes) -> Request:
    first, _, block = head.partition(b"\r\n")
    headers = _field_blocks.get(block)
    if headers is None:
        lines = head.split(b"\r\n")
        if len(lines) > HEADERS_MAX:
            raise Problem(431, "large-head", "The request has too many headers")
    method, path, query_text, http_1_0 = _request_line(first)
    if headers is None:
        headers = _fields(lines[1:])
        _remember(_field_blocks, block, headers)
    if not http_1_0 and "host" not in headers:
        raise Problem(400, "malformed-request", "The Host header is missing")
    return Request(method, path, query_text, headers, http_1_0)
