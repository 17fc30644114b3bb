"""What an SDP offer may look like, and what is put right in offers and answers. Text in, text out.

Of an offer only the lines are kept that are needed. So remote candidates are not: a reachable
server needs none, and an offer cannot make the stage send packets, or ask for names, at addresses
of the sender's choice. Nor is what aiortc's parser compares each with each: 64 KB of it took 8 s.
"""

import re

from stentor.base.errors import Problem

OFFER_BYTES_MAX = 64 * 1024
_MEDIA_MAX = 8
_LINE_CHARS_MAX = 4_096
_LINES_MAX = 512  # kept ones; a browser's offer of audio and video has some 150
_ATTRIBUTES = frozenset(
    (
        *("group", "msid-semantic", "mid", "ice-ufrag", "ice-pwd", "ice-options", "ice-lite"),
        *("fingerprint", "setup", "rtcp-mux", "rtpmap", "fmtp"),
        *("sendrecv", "sendonly", "recvonly", "inactive"),
    )
)
_OPUS = re.compile(r"a=rtpmap:(\d+) opus/48000(?:/2)?\s*\Z", re.IGNORECASE)
FMTP = "minptime=20;useinbandfec=1;stereo=0"


def malformed(detail: str) -> Problem:
    """Return the refusal of an offer that cannot be used."""
    return Problem(400, "malformed-offer", "The SDP offer cannot be used", detail)


def read_offer(body: bytes) -> str:
    """Return the offer as the stage takes it; raises `Problem`."""
    if len(body) > OFFER_BYTES_MAX:
        limit = f"At most {OFFER_BYTES_MAX} bytes."
        raise Problem(413, "offer-too-large", "The SDP offer is too large", limit)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise malformed("It is not UTF-8.") from None
    lines = [line for line in text.splitlines() if line]  # as aiortc splits: at more than CR LF
    if not lines or lines[0] != "v=0":
        raise malformed("It does not begin with v=0.")
    if any(len(line) > _LINE_CHARS_MAX for line in lines):
        raise malformed("A line is too long.")
    media = [line.split(" ", 1)[0][2:] for line in lines if line.startswith("m=")]
    if "audio" not in media:
        raise malformed("It offers no audio.")
    if len(media) > _MEDIA_MAX or not set(media) <= {"audio", "video"}:
        raise malformed(f"At most {_MEDIA_MAX} audio and video sections are understood.")
    if not any(_OPUS.match(line) for line in lines):
        raise malformed("It offers no Opus.")
    kept = [line for line in lines if _is_needed(line)]
    if len(kept) > _LINES_MAX:
        raise malformed("It has too many lines.")
    return "\r\n".join(kept) + "\r\n"


def _is_needed(line: str) -> bool:
    return not line.startswith("a=") or line[2:].partition(":")[0] in _ATTRIBUTES


def mend_answer(answer: str) -> str:
    """Return the answer with Opus told to send FEC, in mono, 20 ms at a time."""
    lines: list[str] = []
    for line in answer.splitlines():
        opus = _OPUS.match(line)
        if line.startswith("a=fmtp:") and lines and _OPUS.match(lines[-1]):
            continue
        lines.append(line)
        if opus is not None:
            lines.append(f"a=fmtp:{opus[1]} {FMTP}")
    return "\r\n".join(_once(lines)) + "\r\n"


def _once(lines: list[str]) -> list[str]:
    """Drop a format line that says again what ours said."""
    ours = {line.split(" ", 1)[0] for line in lines if line.endswith(FMTP)}
    return [
        line
        for line in lines
        if not line.startswith("a=fmtp:") or line.endswith(FMTP) or line.split(" ")[0] not in ours
    ]
