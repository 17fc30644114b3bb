"""A ticket says what was signed and nothing else, whatever is done to it on the way."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stentor.admission.tickets import (
    NO_NETWORK,
    SERIAL_MAX,
    TICKET_CHARACTERS,
    Kind,
    Refusal,
    Ticket,
    Tickets,
)

TICKETS = Tickets(b"k" * 32)
NOW_MS = 1_800_000_000_000
HERE = TICKETS.network_of(b"\xc0\x00\x02\x01")

any_ticket = st.builds(
    Ticket,
    kind=st.sampled_from(Kind),
    edge=st.integers(0, 65_535),
    serial=st.integers(0, SERIAL_MAX),
    place_ms=st.integers(0, (1 << 48) - 1),
    issued_s=st.integers(0, (1 << 32) - 1),
    expires_s=st.integers(0, (1 << 32) - 1),
    network=st.binary(min_size=4, max_size=4),
)


def a_ticket(kind: Kind = Kind.LINE, expires_s: int = NOW_MS // 1000 + 60) -> Ticket:
    return Ticket(kind, 3, 77, NOW_MS - 5_000, NOW_MS // 1000 - 5, expires_s, HERE)


@given(any_ticket)
def test_what_was_written_is_read_again(ticket: Ticket) -> None:
    text = TICKETS.write(ticket, "hall")
    assert len(text) == TICKET_CHARACTERS
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text), "a query string must take it as it is"
    assert TICKETS.read(text, "hall") == ticket


@given(any_ticket, st.integers(0, TICKET_CHARACTERS - 1), st.integers(1, 63))
def test_ticket_with_any_character_changed_is_no_ticket(ticket: Ticket, at: int, step: int) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = TICKETS.write(ticket, "hall")
    changed = letters[(letters.index(text[at]) + step) % 64]
    assert isinstance(TICKETS.read(text[:at] + changed + text[at + 1 :], "hall"), Refusal)


@given(st.text(max_size=80) | st.text("ABCabc019-_", min_size=64, max_size=64))
def test_any_text_is_read_without_a_fault_and_is_no_ticket(text: str) -> None:
    assert isinstance(TICKETS.read(text, "hall"), Refusal)


def test_ticket_signed_with_another_key_is_forged() -> None:
    body = TICKETS.write(a_ticket(), "hall")
    assert Tickets(b"x" * 32).read(body, "hall") in (Refusal.FORGED, Refusal.OTHER_ROOM)
    last = "A" if body[0] != "A" else "B"
    assert TICKETS.read(last + body[1:], "hall") in (Refusal.FORGED, Refusal.MALFORMED)


def test_mac_that_is_guessed_is_forged() -> None:
    text = TICKETS.write(a_ticket(), "hall")
    flipped = text[:-10] + ("AAAAAAAAAA" if text[-10:] != "AAAAAAAAAA" else "BBBBBBBBBB")
    assert TICKETS.read(flipped, "hall") is Refusal.FORGED


def test_ticket_of_another_room_is_told_from_a_forged_one() -> None:
    assert TICKETS.read(TICKETS.write(a_ticket(), "hall"), "other") is Refusal.OTHER_ROOM


@pytest.mark.parametrize(
    ("kind", "other_network"),
    [
        (Kind.LINE, Refusal.OTHER_NETWORK),
        (Kind.STANDBY, Refusal.OTHER_NETWORK),
        (Kind.REMINDER, None),
        (Kind.RETURN, None),
    ],
)
def test_only_a_place_in_line_is_bound_to_the_network_it_was_given_to(
    kind: Kind, other_network: Refusal | None
) -> None:
    ticket = a_ticket(kind)
    text = TICKETS.write(ticket, "hall")
    there = TICKETS.network_of(b"\xc6\x33\x64\x01")
    assert TICKETS.check(text, "hall", HERE, NOW_MS) == ticket
    assert TICKETS.check(text, "hall", there, NOW_MS) == (other_network or ticket)


def test_place_on_standby_of_a_reminder_is_as_free_as_that() -> None:
    ticket = replace(a_ticket(Kind.STANDBY), network=NO_NETWORK)
    text = TICKETS.write(ticket, "hall")
    assert TICKETS.check(text, "hall", HERE, NOW_MS) == ticket


def test_ticket_is_good_until_it_expires() -> None:
    text = TICKETS.write(a_ticket(expires_s=NOW_MS // 1000 + 1), "hall")
    assert isinstance(TICKETS.check(text, "hall", HERE, NOW_MS + 999), Ticket)
    assert TICKETS.check(text, "hall", HERE, NOW_MS + 1000) is Refusal.EXPIRED


def test_network_of_a_ticket_is_a_neighbourhood_not_an_address() -> None:
    v6 = bytes.fromhex("20010db8000100020003000400050006")
    same_site = bytes.fromhex("20010db8000199999999999999999999")
    other_site = bytes.fromhex("20010db8000200020003000400050006")
    assert TICKETS.network_of(b"\xc0\x00\x02\x01") == TICKETS.network_of(b"\xc0\x00\x02\xfe")
    assert TICKETS.network_of(b"\xc0\x00\x02\x01") != TICKETS.network_of(b"\xc0\x00\x03\x01")
    assert TICKETS.network_of(v6) == TICKETS.network_of(same_site)
    assert TICKETS.network_of(v6) != TICKETS.network_of(other_site)
    assert b"\xc0\x00\x02" not in TICKETS.network_of(b"\xc0\x00\x02\x01")
