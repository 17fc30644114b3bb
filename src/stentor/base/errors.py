"""The tree of errors. Expected refusals are return values or a `Problem`; these are the rest.

StentorError              one sentence for a person, exit code 1
├── UsageError            the caller asked for something that cannot be: exit code 2
├── ConfigurationError    a setting or the data folder is unusable: exit code 3
├── UnavailableError      a part or a peer is not there: exit code 4
└── Problem               an API's refusal, RFC 9457 problem+json
"""

from typing import Any


class StentorError(Exception):
    """Something went wrong that a person can read about in one sentence."""

    exit_code = 1


class UsageError(StentorError):
    """The caller asked for something that cannot be done."""

    exit_code = 2


class ConfigurationError(StentorError):
    """A setting, a port or the data folder cannot be used."""

    exit_code = 3


class UnavailableError(StentorError):
    """A part of Stentor, or a peer, is not there or does not answer."""

    exit_code = 4


class Problem(StentorError):
    """An API's refusal (RFC 9457): HTTP status, a stable type, a title, and what to do next."""

    MEDIA_TYPE = "application/problem+json"

    def __init__(self, status: int, kind: str, title: str, detail: str = "") -> None:
        super().__init__(f"{title}. {detail}" if detail else title)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail

    def as_dict(self) -> dict[str, Any]:
        """Return the members of the problem document."""
        members: dict[str, Any] = {
            "type": f"urn:stentor:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
        }
        if self.detail:
            members["detail"] = self.detail
        return members
