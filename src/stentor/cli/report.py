"""`stentor report`: what happened in a room, from the ledger alone, as a page and as JSON."""

from pathlib import Path
from typing import Annotated

import typer

from stentor.base.errors import UsageError
from stentor.cli.ledger_files import Files, Heads, Key, data_folder, read_heads, read_key
from stentor.cli.options import Data, Json
from stentor.cli.plain import say


def report(
    room: Annotated[str, typer.Argument(help="The room's id.", metavar="ROOM")],
    data: Data = None,
    ledger: Annotated[
        list[Path] | None,
        typer.Option(help="Files of a ledger, or its folder [that of --data].", metavar="FILE"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the page goes [report-ROOM.html].", metavar="FILE")
    ] = None,
    key: Key = None,
    head: Heads = None,
    json: Json = False,
) -> None:
    """Say what happened in a room: promises kept or not, crowd, attack or our own doing.

    Whoever has the ledger's files gets the same page, bit for bit, with the same code, key and
    heads; the page names them.
    """
    import sys

    import msgspec

    from stentor.base.build import read_build
    from stentor.evidence.report import make_report
    from stentor.evidence.sources import Code

    files = Files(ledger or [data_folder(data).ledger])
    heads = [one for given in head or () for one in read_heads(given)]
    build = read_build()
    code = Code(build.version, build.digest, f"{sys.version_info.major}.{sys.version_info.minor}")
    found, page = make_report(room, files, code, read_key(key), heads)
    if json:  # bytes: the same ones in every locale
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=1))
    if json and out is None:
        return
    path = out or Path(f"report-{room}.html")
    try:
        path.write_bytes(page.encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {(error.strerror or '').lower()}.") from None
    if json:
        return
    say(f"{found.title or room}: {found.verdict.word}.")
    for one in found.promises:
        say(f"  {one.kept:<15} {one.promise}")
        say(f"  {'':<15} {one.found}")
    for answer in found.verdict.answers:
        say(f"  {answer.told:<15} {answer.question} {'; '.join(answer.because)}".rstrip())
    if not found.ledger.whole:
        say(
            "The ledger is not whole: `stentor ledger verify` names what was changed or is missing."
        )
    say(f"The page: {path}")
