"""A link is taken as signed, whole, and in time; anything else is refused, never raised."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.rooms.links import TOKEN_BYTES_MAX, Link, LinkRefusal, sign_link, verify_link
from stentor.rooms.orders import Role

KEY = bytes(range(32))
LINK = Link("seat", "room", Role.SPEAKER, "Ann – 記者", expires_ms=1_000)
TOKEN = sign_link(LINK, KEY)


def test_signed_link_is_taken_until_it_expires() -> None:
    assert verify_link(TOKEN, KEY, 999) == LINK
    assert verify_link(TOKEN, KEY, 1_000) is LinkRefusal.EXPIRED


def test_link_of_another_deployment_is_forged() -> None:
    assert verify_link(TOKEN, bytes(32), 0) is LinkRefusal.FORGED


def test_role_cannot_be_written_up() -> None:
    claims, _, signature = TOKEN.partition(".")
    document = json.loads(base64.urlsafe_b64decode(claims + "=="))
    document["role"] = "host"
    better = base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
    assert verify_link(f"{better}.{signature}", KEY, 0) is LinkRefusal.FORGED


@pytest.mark.parametrize("token", ["", ".", "a", "a.b.c", "ä.ö", "x" * (TOKEN_BYTES_MAX + 1)])
def test_what_is_not_a_token_is_refused(token: str) -> None:
    assert isinstance(verify_link(token, KEY, 0), LinkRefusal)


@given(st.integers(0, len(TOKEN) - 1), st.characters(max_codepoint=127))
def test_no_changed_character_is_taken_for_another_link(place: int, char: str) -> None:
    changed = TOKEN[:place] + char + TOKEN[place + 1 :]
    assert (verify_link(changed, KEY, 0) == LINK) is (changed == TOKEN)


@pytest.mark.parametrize(("spelt", "also"), [("-", "+"), ("_", "/")])
def test_another_spelling_of_the_same_bytes_is_no_link(spelt: str, also: str) -> None:
    tokens = (sign_link(msgspec.structs.replace(LINK, id=f"{n}"), KEY) for n in range(1_000))
    claims, _, signature = next(one for one in tokens if spelt in one.split(".")[1]).partition(".")
    assert isinstance(verify_link(f"{claims}.{signature}", KEY, 0), Link)
    other = f"{claims}.{signature.replace(spelt, also)}"
    assert verify_link(other, KEY, 0) is LinkRefusal.MALFORMED


@given(st.text())
def test_no_text_raises(token: str) -> None:
    assert isinstance(verify_link(token, KEY, 0), LinkRefusal)
