"""Lines of which some is from a stranger's file: nothing in them moves a terminal's cursor."""

import sys

import typer


def plain(text: str) -> str:
    """Return text on one line, with a mark for each character that is not shown as itself."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def say(line: str) -> None:
    """Print a line; what the terminal's encoding does not have is a question mark."""
    encoding = sys.stdout.encoding or "utf-8"
    typer.echo(plain(line).encode(encoding, "replace").decode(encoding))
