"""What a report was made from, so that a stranger can make it again: files, key, heads and code.

Says it in figures and in the words of a page. Reads nothing.
"""

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from html import escape

import msgspec

from stentor.charts.page import table
from stentor.evidence.chain import Head


class Code(msgspec.Struct, frozen=True):
    """The code that read the ledger: the same version was another method a week ago."""

    version: str
    digest: str  # of all its files (base.build), hexadecimal
    python: str  # e.g. 3.11: others may round otherwise


class File(msgspec.Struct, frozen=True):
    """A file that the report was made from."""

    name: str
    sha256: str
    records: int


class Heads(msgspec.Struct, frozen=True):
    """The kept heads that were given; `sha256` is of them as lines, as `heads.jsonl` has them."""

    count: int
    sha256: str


class Sources(msgspec.Struct, frozen=True):
    """All that was given. `key` is empty where none was."""

    files: tuple[File, ...]
    key: str
    heads: Heads | None


def heads_given(heads: Sequence[Head]) -> Heads | None:
    """Return what is to be said of the heads that were given, if any were."""
    if not heads:
        return None
    lines = b"".join(msgspec.json.encode(head) + b"\n" for head in heads)
    return Heads(len(heads), hashlib.sha256(lines).hexdigest())


def _commands(room: str, sources: Sources) -> tuple[str, str]:
    """Return the commands that verify the same files, and make the same report."""
    given = [f"--key {sources.key}"] if sources.key else []
    given += ["--head HEADS"] if sources.heads is not None else []
    report = ["stentor report", shlex.quote(room), "--ledger FILE…", *given]
    return " ".join(["stentor ledger verify FILE…", *given]), " ".join(report)


def how_to_repeat(room: str, sources: Sources, code: Code) -> Iterator[str]:
    """Yield the end of the page: what it was made from, and how anybody makes it again."""
    yield table(
        ("File", "SHA-256", "Records"),
        [(one.name, one.sha256, f"{one.records:,}") for one in sources.files],
        numbers=(2,),
    )
    heads, given = sources.heads, "these files alone"
    if heads is not None:
        kept = "the kept head" if heads.count == 1 else f"the {heads.count:,} kept heads"
        given = f"these files and {kept} whose lines have the SHA-256 <code>{heads.sha256}</code>"
    verify, report = _commands(room, sources)
    yield (
        f"<p>Made from {given}, by Stentor {escape(code.version)} on Python {escape(code.python)},"
        f" whose code has the digest <code>{escape(code.digest)}</code>"
        " (<code>stentor --version</code> prints it). Whoever has them gets this page again, bit"
        f" for bit: <code>{escape(verify)}</code>, then <code>{escape(report)}</code>.</p>"
    )
