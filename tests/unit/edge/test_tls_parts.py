"""What TLS in the edge is made of: expiry, ticket keys, and the one private place it reaches."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from stentor.base.errors import ConfigurationError
from stentor.edge.tls_context import Certificates, make_context
from stentor.edge.tls_expiry import certificate_expiry_s
from stentor.edge.tls_tickets import (
    PERIOD_S,
    prefer_light_ciphers,
    share_tickets,
    ticket_keys,
    ticket_period,
)
from support.tls import Pair

SECRET = b"s" * 32


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def resumes(first: ssl.SSLContext, second: ssl.SSLContext) -> bool:
    """Say whether a client who was at the first is known to the second."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    session = None
    for server in (first, second):
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        ours = server.wrap_bio(up, down, server_side=True)
        theirs = client.wrap_bio(down, up, server_hostname="a", session=session)
        for side in (theirs, ours, theirs, ours):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
        with pytest.raises(ssl.SSLWantReadError):
            theirs.read(1)  # the ticket comes after the handshake
        session = theirs.session
    return bool(theirs.session_reused)


def test_ticket_of_one_context_is_good_at_another_with_the_same_keys(pair: Pair) -> None:
    """The contract with CPython's and OpenSSL's insides: if this fails, tickets are not shared."""
    one, same, other = (make_context(pair.certificate, pair.key) for _ in range(3))
    assert not resumes(one, same)
    assert share_tickets(one, ticket_keys(SECRET, 1))
    assert share_tickets(same, ticket_keys(SECRET, 1))
    assert share_tickets(other, ticket_keys(SECRET, 2))
    assert resumes(one, same)
    assert not resumes(one, other)


def test_unknown_python_keeps_tickets_to_itself(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stentor.edge.tls_tickets.sys.version_info", (3, 99))
    context = make_context(pair.certificate, pair.key)
    assert not share_tickets(context, ticket_keys(SECRET, 1))
    assert not prefer_light_ciphers(context)
    held = Certificates(str(pair.certificate), str(pair.key), SECRET)
    assert not held.tickets_shared
    assert resumes(held.context, held.context)


def test_ticket_keys_are_each_days_own_and_the_secrets() -> None:
    keys = {ticket_keys(secret, day) for secret in (b"a" * 32, b"b" * 32) for day in range(5)}
    assert len(keys) == 10
    assert {len(key) for key in keys} == {80}
    assert ticket_keys(SECRET, 7) == ticket_keys(SECRET, 7)
    assert ticket_period(PERIOD_S * 100) == 99  # the day begins in the night
    assert ticket_period(PERIOD_S * 100 + 5 * 3600) == 100


def test_keys_change_with_the_day_and_no_restart(pair: Pair) -> None:
    now_s = [1_800_000_000.0]
    edges = [
        Certificates(str(pair.certificate), str(pair.key), SECRET, lambda: now_s[0])
        for _ in range(2)
    ]
    now_s[0] += PERIOD_S
    edges[0].look()
    assert not resumes(edges[0].context, edges[1].context)
    edges[1].look()
    assert resumes(edges[0].context, edges[1].context)


def test_expiry_is_what_a_library_says(pair: Pair) -> None:
    for days in (1, 400, 365 * 40):  # beyond 2050 the time has another form
        pair.renew(days)
        pem = pair.certificate.read_text()
        wanted = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.timestamp()
        assert certificate_expiry_s("a comment\n" + pem + pem) == wanted


@pytest.mark.parametrize("cut", [0, 30, 200, 400])
def test_what_is_no_certificate_has_no_expiry(pair: Pair, cut: int) -> None:
    with pytest.raises(OSError):
        certificate_expiry_s(pair.certificate.read_text()[:cut])


def test_edge_that_has_no_good_pair_to_begin_with_does_not_begin(
    tmp_path: Path, pair: Pair
) -> None:
    other = Pair(tmp_path / "other")
    for certificate, key in (
        (pair.certificate, other.key),
        (pair.certificate, tmp_path / "none"),
        (pair.key, pair.key),
    ):
        with pytest.raises(ConfigurationError, match="TLS cannot be spoken"):
            Certificates(str(certificate), str(key), SECRET)


def test_certificate_that_ends_soon_is_told_once_a_day(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []

    class Log:
        def warning(self, event: str, **facts: float) -> None:
            told.append(facts["in_days"])

    monkeypatch.setattr("stentor.edge.tls_context.log", Log)
    pair.renew(days=20)
    expires_s = certificate_expiry_s(pair.certificate.read_text())
    now_s = [expires_s - 20 * 86_400]
    held = Certificates(str(pair.certificate), str(pair.key), SECRET, lambda: now_s[0])
    for _ in range(20 * 24):
        held.look()
        now_s[0] += 3600
    assert told[0] == 14
    assert len(told) == 14
