import json

from hypothesis import given
from hypothesis import strategies as st

from stentor.admission.line import WAIT_S_MAX
from stentor.edge.answer import Answer, encode_answer
from stentor.edge.placing import PROBLEM, place_answer

_SECONDS = st.floats(0, WAIT_S_MAX, allow_nan=False)


@given(
    keep=st.booleans(),
    place_ms=st.integers(0, 1 << 48),
    number=st.integers(1, 10**8),
    wait_s=_SECONDS,
    again_s=_SECONDS,
)
def test_what_is_filled_in_is_what_an_encoded_answer_would_say(
    keep: bool, place_ms: int, number: int, wait_s: float, again_s: float
) -> None:
    said = place_answer(
        "hall",
        "AQEAAB-_",
        place_ms,
        number,
        number - 1,
        wait_s,
        again_s,
        keep=keep,
        more=',"altcha":{"salt":"abc"}',
    )
    head, _, body = said.partition(b"\r\n\r\n")
    told = json.loads(body)
    assert told == {
        "type": PROBLEM,
        "title": "There is a line at the door, and you are in it",
        "status": 503,
        "ticket": "AQEAAB-_",
        "place_ms": place_ms,
        "number": number,
        "ahead": number - 1,
        "wait_s": float(f"{wait_s:.1f}"),
        "full": wait_s >= WAIT_S_MAX,
        "poll_s": float(f"{again_s:.1f}"),
        "door": "/r/hall/door.json",
        "altcha": {"salt": "abc"},
    }
    fields = {"Retry-After": str(-int(-again_s // 1))}
    encoded = encode_answer(
        Answer(503, body, "application/problem+json", fields, cache="no-store"), keep_alive=keep
    )
    assert sorted(head.split(b"\r\n")) == sorted(encoded.partition(b"\r\n\r\n")[0].split(b"\r\n"))
