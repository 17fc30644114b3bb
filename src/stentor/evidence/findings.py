"""What verifying a ledger can find, in words and in figures. Finds nothing itself."""

from enum import StrEnum

import msgspec


class Fault(StrEnum):
    """What was done to a record, as far as can be told."""

    UNREADABLE = "unreadable"  # not a record at all
    EDITED = "edited"  # does not have its own hash
    RESIGNED = "re-signed"  # has its hash, but not the ledger's signature
    MISSING = "missing"
    REORDERED = "reordered"
    TWICE = "twice"
    UNCHAINED = "unchained"  # signed, but does not follow the record before it
    MISPLACED = "misplaced"  # an opening, head or closing where none may be
    WRONG_HEAD = "wrong-head"  # a head whose root is not that of the records
    OTHER_KEY = "other-key"  # the file names another key than the one published
    REWRITTEN = "rewritten"  # not what a head says that somebody kept


class Finding(msgspec.Struct, frozen=True):
    """One fault; `record` is the number, `to` the last one where several are alike.

    Of a file that is not there `file` says which: "the file after 00000003.jsonl".
    """

    file: str
    fault: Fault
    record: int
    to: int
    line: int  # from 1; 0 where there is none
    why: str


class Ledger(msgspec.Struct, frozen=True):
    """What was found in one file."""

    file: str
    ledger: str  # the opening's hash: names the file for good
    records: int
    key: str
    first_ms: int
    last_ms: int
    seconds: int
    gaps: tuple[tuple[int, int], ...]  # Unix ms of the seconds around each
    closed: bool
    torn: bool  # ends within a line
    last: str
    previous: str
    event_key_id: str
    settings: dict[str, str] | None = None  # not the default; None: no opening tells of them


class End(msgspec.Struct, frozen=True):
    """Where a file ends, if after that something may have been cut off that nobody can know of."""

    file: str
    record: int  # its last
    vouched: int  # how many of its records a kept head agrees with
    closed: bool


class LocalWitness(msgspec.Struct, frozen=True):
    """Heads that lay beside the files: who can cut these can cut those too."""

    where: str
    heads: int  # signed by the ledger's key


class Report(msgspec.Struct, frozen=True):
    """The answer. `whole` means: no fault was found; `doubts` say what these files cannot show."""

    whole: bool
    files: tuple[Ledger, ...]
    findings: tuple[Finding, ...]
    doubts: tuple[str, ...]
    unlisted: int = 0  # findings beyond FINDINGS_MAX
    ends: tuple[End, ...] = ()
    beside: tuple[LocalWitness, ...] = ()
