"""`stentor load`: real listeners on real sockets, where they are agreed to and nowhere else."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from stentor.cli.attack import attack
from stentor.cli.crowd import crowd
from stentor.cli.options import Data, Json
from stentor.load.arrivals import Arrivals

app = typer.Typer(help="Put real listeners on this machine's server.", no_args_is_help=True)


@app.callback()
def _load() -> None:
    """Put real listeners on this machine's server, or on one whose operator agreed."""


app.command()(attack)
app.command()(crowd)


def _share(name: str, what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        f"--{name}", help=f"Share of listeners who {what}.", min=0.0, max=1.0
    )
    return option


@app.command()
def listeners(
    url: Annotated[str, typer.Argument(help="A room's page.", metavar="URL")],
    count: Annotated[int, typer.Option("--count", help="How many listeners.")] = 100,
    seconds: Annotated[float, typer.Option("--seconds", help="For how long.", min=0.5)] = 30.0,
    ramp: Annotated[
        float, typer.Option("--ramp", help="Seconds over which they come.", min=0.0)
    ] = 1.0,
    arrivals: Annotated[
        Arrivals, typer.Option("--arrivals", help="How they come, and whether all leave at once.")
    ] = Arrivals.CONSTANT,
    all_at: Annotated[
        float | None,
        typer.Option("--all-at", help="When all are cut (rejoin) or leave (exit) [the middle]."),
    ] = None,
    slow: Annotated[float, _share("slow", "read half of what they are sent")] = 0.0,
    flaky: Annotated[float, _share("flaky", "lose their connection again and again")] = 0.0,
    leaving: Annotated[float, _share("leaving", "leave before the end")] = 0.0,
    processes: Annotated[int, typer.Option(help="0: as many as needed.", min=0)] = 0,
    sample: Annotated[
        int, typer.Option("--sample", help="One in so many is hashed part by part.", min=1)
    ] = 100,
    decode: Annotated[
        int, typer.Option("--decode", help="Of the sample, how many decode all they get.", min=0)
    ] = 4,
    buffer: Annotated[
        float | None,
        typer.Option("--buffer", help="Seconds a player keeps [its lane's period and margin]."),
    ] = None,
    rendition: Annotated[str | None, typer.Option("--rendition", help="[aac48]")] = None,
    also: Annotated[
        str | None, typer.Option("--also", help="A lower rendition that they take too.")
    ] = None,
    period: Annotated[
        int, typer.Option("--period", help="Fastest lane that they ask for, in ms.", min=0)
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Of all chance: the same again.")] = 1,
    heads: Annotated[
        bool, typer.Option("--heads", help="But for the sample, look only at deliveries' heads.")
    ] = False,
    consent: Annotated[
        str | None,
        typer.Option("--consent", help="The secret of an operator's consent to this load."),
    ] = None,
    json: Json = False,
) -> None:
    """Listen with many players at once, each one's position checked, and say how they fared."""
    import msgspec
    from rich.console import Console

    from stentor.base.errors import UnavailableError
    from stentor.load.behaviour import Behaviour
    from stentor.load.consent import ask_consent
    from stentor.load.hour import find_hour_ms
    from stentor.load.plan import Plan, Reading
    from stentor.load.report import figures
    from stentor.load.run import run_load
    from stentor.load.shown import Shown, show_table
    from stentor.load.target import read_target

    target = read_target(url, rendition, also=also, period_ms=period, consent=consent is not None)
    if consent is not None:
        ask_consent(target, consent, count, seconds)
    plan = Plan(
        target,
        count,
        seconds,
        ramp,
        processes,
        sample,
        buffer,
        pattern=arrivals,
        hour_ms=find_hour_ms(target) if arrivals is Arrivals.CROWD else None,
        all_at_s=all_at,
        behaviour=Behaviour(slow, flaky, leaving),
        decoding=decode,
        seed=seed,
        reading=Reading.HEADS if heads else Reading.WHOLE,
    )
    if json or not sys.stderr.isatty():
        tally = run_load(plan)
    else:
        with Shown(Console(stderr=True)) as shown:
            tally = run_load(plan, shown)
    if json:
        typer.echo(msgspec.json.encode(figures(tally)).decode())
    else:
        show_table(tally, Console())
    if tally.heard == 0 and tally.listeners == 0:
        raise UnavailableError("Nobody could listen.")


_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _seconds(text: str) -> float:
    """Return seconds of a duration like 90s, 30m or 1h; raises `UsageError`."""
    from stentor.base.errors import UsageError

    try:
        seconds = float(text[:-1]) * _UNITS_S[text[-1:]]
    except (KeyError, ValueError):
        raise UsageError(f"{text!r} is no duration; say 90s, 30m or 1h.") from None
    if not 0 < seconds <= _UNITS_S["d"]:
        raise UsageError("A consent is for at most a day.")
    return seconds


@app.command()
def allow(
    room: Annotated[str, typer.Argument(help="The room.", metavar="[ROOM]")] = "",
    every: Annotated[bool, typer.Option("--all", help="All rooms.")] = False,
    duration: Annotated[str, typer.Option("--for", help="How long: 90s, 30m, 1h.")] = "1h",
    count: Annotated[int, typer.Option("--listeners", help="How many at most.", min=1)] = 1000,
    data: Data = None,
) -> None:
    """Agree to a load test of this deployment, and print its secret, once."""
    import secrets
    import time

    import msgspec

    from stentor.admission.consent import Consent, KeptConsent
    from stentor.base.errors import UsageError
    from stentor.base.ids import is_room_id
    from stentor.base.paths import DataFolder
    from stentor.base.secrets import replace_secret
    from stentor.base.settings import load_settings

    if bool(room) == every or (room and not is_room_id(room)):
        raise UsageError("Name one room, or say --all.")
    settings = load_settings(data=data)
    until_ms = round((time.time() + _seconds(duration)) * 1000)
    kept = KeptConsent(secrets.token_hex(32), Consent(room, count, until_ms))
    replace_secret(DataFolder(Path(settings.data)).load_consent, msgspec.json.encode(kept))
    typer.echo(kept.secret)


@app.command()
def forbid(data: Data = None) -> None:
    """Withdraw the consent: new loads find none, within a second."""
    from stentor.base.paths import DataFolder
    from stentor.base.settings import load_settings

    settings = load_settings(data=data)
    DataFolder(Path(settings.data)).load_consent.unlink(missing_ok=True)
