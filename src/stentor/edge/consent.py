"""Answers the challenge of a load test: proof that this deployment's operator agreed to it.

Reads what the operator's command wrote, at most once a second; without it, or after its time, the
address is as unknown as any other.
"""

from collections.abc import Callable

import msgspec

from stentor.admission.consent import KeptConsent, sign
from stentor.base.errors import ConfigurationError, Problem
from stentor.base.paths import DataFolder
from stentor.base.secrets import load_secret
from stentor.edge.answer import JSON, Answer

_READ_AGAIN_MS = 1000
_NONE = Problem(404, "not-found", "There is nothing at this address")


class Consents:
    """What the operator agreed to, as the data folder has it."""

    def __init__(self, folder: DataFolder, now_ms: Callable[[], int]) -> None:
        self._path = folder.load_consent
        self._now_ms = now_ms
        self._read_ms = -_READ_AGAIN_MS
        self._kept: KeptConsent | None = None

    def answer(self, nonce: str) -> Answer:
        """Return the signed answer; raises `Problem` 404 if nothing was agreed."""
        now_ms = self._now_ms()
        if not 0 <= now_ms - self._read_ms < _READ_AGAIN_MS:
            self._read_ms, self._kept = now_ms, self._load()
        signed = None if self._kept is None else sign(self._kept, nonce, now_ms)
        if signed is None:
            raise _NONE
        return Answer(200, msgspec.json.encode(signed), JSON, cache="no-store")

    def _load(self) -> KeptConsent | None:
        try:
            data = load_secret(self._path)
            return None if data is None else msgspec.json.decode(data, type=KeptConsent)
        except (ConfigurationError, ValueError):  # unreadable, or readable by others: no consent
            return None
