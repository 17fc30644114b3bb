"""`stentor certificate`: check, show and publish what rehearsals were certified. Works offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stentor.base.errors import StentorError, UsageError
from stentor.cli.ledger_files import Key, data_folder, read_file, read_key
from stentor.cli.options import Data, Json
from stentor.cli.plain import plain, say

if TYPE_CHECKING:
    from stentor.rehearsal.certificate import Checked

app = typer.Typer(help="What a rehearsal showed: check it, read it, publish the key.")

_FILE_BYTES_MAX = 1 << 30

File = Annotated[Path, typer.Argument(help="A certificate.", metavar="FILE")]


@app.command()
def verify(
    file: File,
    key: Key = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="The rehearsal's folder, to compare its other files.", metavar="DIR"),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Simulate once more, and see whether the same is found."),
    ] = False,
    json: Json = False,
) -> None:
    """Say whether a certificate is as it was signed, what it proves, and what it does not."""
    from stentor.rehearsal.certificate import check

    key = read_key(key, "stentor certificate key")
    data = read_file(file)
    files = None if folder is None else _files_in(folder, check(data))
    checked = check(data, key, files)
    if json:
        _print_json(checked)
    else:
        _tell(checked, key)
    if not checked.whole:
        raise _unreliable(file, checked)
    if again:
        _simulate_again(file, checked, quiet=json)


@app.command()
def show(file: File, json: Json = False) -> None:
    """Print what a certificate says, each claim with its label."""
    from stentor.rehearsal.certificate import check

    checked = check(read_file(file))
    if json:
        _print_json(checked)
    elif checked.whole:  # of any other, nothing is to be read on its own
        _show(checked)
    if not checked.whole:
        raise _unreliable(file, checked)


@app.command()
def key(data: Data = None) -> None:
    """Print the public key of this deployment's certificates: publish it beforehand."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from stentor.base.secrets import load_or_make_key
    from stentor.evidence.chain import public_hex

    secret = load_or_make_key(data_folder(data).rehearsal_key)
    typer.echo(public_hex(Ed25519PrivateKey.from_private_bytes(secret)))


def _simulate_again(file: Path, checked: "Checked", *, quiet: bool) -> None:
    from stentor.base.build import read_build
    from stentor.rehearsal.certified import simulated_again

    one = checked.certificate
    assert one is not None
    if simulated_again(one):
        if quiet:
            return
        typer.echo("\nSimulated again from the same seed: the same was found, to the last bit.")
        return
    here = "this code" if one.run.build.digest == read_build().digest else "this is other code"
    raise StentorError(
        f"Simulated again from the seed in {file}, something else was found ({here})."
    )


def _files_in(folder: Path, checked: "Checked") -> dict[str, bytes]:
    """Return those of the certificate's files that lie in the folder."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.")
    found = {}
    for name in checked.certificate.files if checked.certificate is not None else ():
        path = folder / name
        if Path(name).name == name and path.is_file() and path.stat().st_size <= _FILE_BYTES_MAX:
            found[name] = read_file(path)
    return found


def _unreliable(file: Path, checked: "Checked") -> StentorError:
    return StentorError(f"Do not rely on {file}: {plain('; '.join(checked.faults))}.")


def _print_json(checked: "Checked") -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(checked), indent=1).decode())


def _tell(checked: "Checked", key: str | None) -> None:
    from stentor.rehearsal.certificate import proved

    if not checked.whole or checked.certificate is None:
        return
    say(checked.certificate.sentence)
    shown, not_shown = proved(checked)
    typer.echo("\nProved:")
    for line in shown:
        say(f"  {line}")
    typer.echo("\nNot proved:")
    if key is None:
        typer.echo("  Whose key that is: compare it with the one published, or give --key.")
    for line in not_shown:
        say(f"  {line}")


def _show(checked: "Checked") -> None:
    from stentor.rehearsal.certificate import lines

    one = checked.certificate
    assert one is not None
    run = one.run
    revision = f", revision {run.build.revision[:12]}" if run.build.revision else ""
    machine = run.machine
    settings = ", ".join(f"{name}={value}" for name, value in sorted(run.settings.items()))
    rows = [
        ("when", run.at),
        ("scenario", f"{run.scenario.name}, SHA-256 {run.scenario.sha256[:16]}…, seed {run.seed}"),
        ("code", f"{run.build.version}{revision}, files {run.build.digest[:16]}…"),
        ("machine", f"{machine.cpu}, {machine.cores} cores,"
                    f" {machine.memory_bytes / (1 << 30):.1f} GiB, {machine.kernel},"
                    f" Python {machine.python}"),
        ("settings", settings or "as shipped"),
        ("signed by", checked.key),
    ]  # fmt: skip
    say(one.sentence)
    typer.echo("")
    for name, text in rows:
        say(f"{name:<14}{text}")
    typer.echo("")
    for label, text in lines(one):
        say(f"{label:<14}{text}")
    for pair in one.compared:
        say(
            f"{'compared':<14}{pair.what} with {pair.listeners:,} listeners: predicted"
            f" {pair.predicted:.4g}, measured {pair.measured:.4g}"
        )
