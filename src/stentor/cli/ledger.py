"""`stentor ledger`: verify files of the ledger anywhere, and print what is to be published.

Verifying needs the files and nothing else: no server, no data folder, no network.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stentor.base.errors import StentorError, UsageError
from stentor.cli.ledger_files import (
    Files,
    Heads,
    Key,
    data_folder,
    read_heads,
    read_heads_beside,
    read_key,
)
from stentor.cli.options import Data, Json
from stentor.cli.plain import say

if TYPE_CHECKING:
    from stentor.evidence.findings import Finding, Ledger, Report

app = typer.Typer(help="The record of what happened: verify it, publish its key and its heads.")

_FINDINGS_TOLD = 20
_GAPS_TOLD = 10


@app.command()
def verify(
    files: Annotated[
        list[Path], typer.Argument(help="Files of the ledger, or its folder.", metavar="FILE…")
    ],
    key: Key = None,
    head: Heads = None,
    json: Json = False,
) -> None:
    """Say whether these files are what was written, and name every record that is not.

    Ends with 1 if something was found, or a head tells of records that are not here; with 2 if a
    file, key or head that was given cannot be read. Heads in the folder of the files are read too,
    as a local witness: they show a tail that was cut, unless whoever cut it cut them as well.

    It ends with 0 if nothing was found: what no file can show is told after "Mind:" all the same,
    above all what only a head that was kept elsewhere shows, that the newest records were cut off,
    or that who has the ledger's key wrote all of it anew. Keep one now and then, with
    `stentor ledger head`.
    """
    from stentor.evidence.verify import verify as check

    heads = [one for given in head or () for one in read_heads(given)]
    beside = read_heads_beside(files, head or ())  # before the files, which grow meanwhile
    report = check(Files(files), read_key(key), heads, beside=beside)
    if json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(report), indent=1))
    else:
        _tell(report, compared=len(heads))
    if not report.whole:
        found = len(report.findings) + report.unlisted
        raise StentorError(f"This ledger is not whole: {found} finding{'s' * (found != 1)}.")


@app.command()
def key(data: Data = None) -> None:
    """Print the public key: publish it before the event, so that anybody can verify later."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from stentor.base.secrets import load_or_make_key
    from stentor.evidence.chain import public_hex

    folder = data_folder(data)
    secret = load_or_make_key(folder.ledger_key)
    typer.echo(public_hex(Ed25519PrivateKey.from_private_bytes(secret)))


@app.command()
def head(data: Data = None) -> None:
    """Print the newest signed head: whoever keeps it can tell later that nothing was cut off."""
    import msgspec

    path = data_folder(data).ledger / "heads.jsonl"
    heads = read_heads(str(path)) if path.exists() else []
    if not heads:
        raise UsageError(f"There is no head in {path.parent} yet; one is made each minute.")
    typer.echo(msgspec.json.encode(heads[-1]).decode())


def _tell(report: "Report", compared: int) -> None:
    for one in report.files:
        say(_about(one))
        for first, last in one.gaps[:_GAPS_TOLD]:
            seconds = (last - first) / 1000
            say(f"  nothing was recorded for {seconds:.0f} s from {_time(first)}")
        if len(one.gaps) > _GAPS_TOLD:
            say(f"  … and {len(one.gaps) - _GAPS_TOLD} more such gaps")
    for finding in report.findings[:_FINDINGS_TOLD]:
        say(_found(finding))
    if (more := len(report.findings) + report.unlisted - _FINDINGS_TOLD) > 0:
        say(f"… and {more} more; --json lists them.")
    for witness in report.beside:
        heads = "1 head" if witness.heads == 1 else f"{witness.heads} heads"
        say(f"Local witness: {heads} in {witness.where}; who can cut the files can cut these too.")
    for doubt in report.doubts:
        say(f"Mind: {doubt}")
    if report.whole:
        _tell_whole(report, compared)


def _tell_whole(report: "Report", compared: int) -> None:
    seconds = sum(one.seconds for one in report.files)
    kept = f", as {compared} kept heads say too" if compared else ""
    held = f"{seconds} seconds, every record signed and in its place{kept}."
    if not report.ends:
        say(f"Whole: {held}")
        return
    ends = " and ".join(f"record {end.record} of {end.file}" for end in report.ends)
    say(f"Whole as far as {ends}: {held}")
    a_head = "a later head" if compared else "a head"
    say(
        f"Whether anything was cut off after that cannot be told without {a_head} kept elsewhere."
        " Keep one now and then: `stentor ledger head` prints the newest. Give it here with --head."
    )


def _about(one: "Ledger") -> str:
    key = f"key {one.key[:16]}…" if one.key else "no key"
    if not one.seconds:
        return f"{one.file}: {one.records} records, {key}"
    end = "" if one.closed else ", not closed"
    span = f"{_time(one.first_ms)} to {_time(one.last_ms)}"
    return f"{one.file}: records 0 to {one.records - 1}, {span}, {key}{end}"


def _found(one: "Finding") -> str:
    which = f"records {one.record} to {one.to}" if one.to > one.record else f"record {one.record}"
    line = f" (line {one.line})" if one.line else ""
    return f"{one.file}: {which}{line} {one.fault}: {one.why}"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
