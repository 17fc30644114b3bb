"""Answers as bytes: status lines, headers, problems. Pure; what is said is decided elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec

from stentor.base.errors import Problem

JSON = "application/json"
PLAYLIST = "application/vnd.apple.mpegurl"
MP4 = "audio/mp4"
FOREVER = "public, max-age=31536000, immutable"
FRESH = "no-cache"

# What every answer carries. Any page may read what any listener may hear.
_ALWAYS = (
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Expose-Headers: "
    "Content-Range, ETag, Retry-After, "
    "Stentor-Time-Ms, Stentor-Period-Ms, Stentor-Rendition\r\n"
    "X-Content-Type-Options: nosniff\r\n"
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-None-Match, If-Range",
    "Access-Control-Max-Age": "86400",
    "Allow": "GET, HEAD, OPTIONS",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer whose body is at hand.

    After one that is `parting` the client has nothing to ask for a while: its connection is closed,
    unless it was dear (TLS) and there is room.
    """

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cache: str = FRESH
    parting: bool = False
    problem: str = ""  # for what reason it refuses: `Problem.kind`


def status_line(status: int) -> str:
    """Return the first line of a response."""
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"


def head(
    status: int,
    headers: Mapping[str, str],
    *,
    length: int | None,
    keep_alive: bool,
) -> bytes:
    """Return a response's head. A length of None is for chunks that end when the room does."""
    lines = [status_line(status), _ALWAYS]
    lines.extend(f"{name}: {value}\r\n" for name, value in headers.items())
    if length is not None:
        lines.append(f"Content-Length: {length}\r\n")
    elif status == HTTPStatus.OK:
        lines.append("Transfer-Encoding: chunked\r\n")
    lines.append("Connection: keep-alive\r\n\r\n" if keep_alive else "Connection: close\r\n\r\n")
    return "".join(lines).encode("latin-1")


def encode_answer(answer: Answer, *, keep_alive: bool, with_body: bool = True) -> bytes:
    """Return the whole response."""
    headers: dict[str, str] = {}
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    if answer.cache:
        headers["Cache-Control"] = answer.cache
    headers.update(answer.headers)
    length = None if answer.status in (204, 304) else len(answer.body)
    first = head(answer.status, headers, length=length, keep_alive=keep_alive)
    return first + answer.body if with_body else first


def problem_answer(problem: Problem, retry_after_s: int | None = None) -> Answer:
    """Return a refusal as problem+json; what is temporary says when to come again."""
    headers: dict[str, str] = {}
    if problem.status == 405:
        headers["Allow"] = _PREFLIGHT["Allow"]
    if retry_after_s is None and problem.status in (429, 503):
        retry_after_s = 1
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return Answer(
        problem.status,
        msgspec.json.encode(problem.as_dict()),
        Problem.MEDIA_TYPE,
        headers,
        cache="no-store",
        problem=problem.kind,
    )


def preflight() -> Answer:
    """Return the answer to OPTIONS."""
    return Answer(204, headers=_PREFLIGHT, cache="")


def http_chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked response."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
