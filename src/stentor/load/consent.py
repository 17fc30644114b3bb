"""Asks a deployment whether its operator agreed to a load, and holds it to what was agreed."""

import http.client
import re
import secrets

import msgspec

from stentor.admission.consent import NONCE_CHARACTERS, SignedConsent, refusal, verify
from stentor.base.errors import UnavailableError, UsageError
from stentor.load.hour import connect
from stentor.load.target import Target

_BODY_BYTES_MAX = 4096
_HOW = "Its operator says `stentor load allow` and gives you the secret: --consent SECRET."
_SECRET = re.compile(r"[0-9a-f]{64}\Z")


def ask_consent(target: Target, secret: str, listeners: int, seconds: float) -> None:
    """Return if this load was agreed to; raises `UsageError` if it was not."""
    if not _SECRET.match(secret):
        raise UsageError("That is not a secret of consent: 64 hexadecimal digits.")
    nonce = secrets.token_hex(NONCE_CHARACTERS // 2)
    connection = connect(target)
    try:
        connection.request("GET", f"/load-consent?nonce={nonce}")
        answer = connection.getresponse()
        body = answer.read(_BODY_BYTES_MAX)
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"{target.host} cannot be asked: {error}.") from None
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise UsageError(f"Nobody at {target.host} agreed to a load. {_HOW}")
    try:
        signed = msgspec.json.decode(body, type=SignedConsent)
    except ValueError:
        raise UsageError(f"What {target.host} answers is no consent. {_HOW}") from None
    if not verify(signed, secret, nonce):
        raise UsageError(f"The consent of {target.host} is signed with another secret. {_HOW}")
    why = refusal(signed, target.room, listeners, seconds)
    if why is not None:
        raise UsageError(why)
