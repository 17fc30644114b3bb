"""`stentor load attack`: what one's own server does when it is attacked, on one's own machine.

There is no option for a host. What is attacked is the server of the data folder, on loopback, or
one that is started for it in a network namespace.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stentor.cli.options import Data, Json

if TYPE_CHECKING:
    from stentor.base.settings import Settings
    from stentor.load.attacks.aim import Aim
    from stentor.load.attacks.families import Family
    from stentor.load.attacks.outcome import Outcome


def attack(
    family: Annotated[str, typer.Argument(help="Which one; see --list.", metavar="FAMILY")] = "",
    listed: Annotated[bool, typer.Option("--list", help="Say what there is.")] = False,
    room: Annotated[str | None, typer.Option("--room", help="[the one on the air]")] = None,
    port: Annotated[int | None, typer.Option("--port", help="On loopback [as set].")] = None,
    per_s: Annotated[
        float | None, typer.Option("--per-s", help="Visits or datagrams a second.")
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="For how long.")] = 10.0,
    sources: Annotated[
        int, typer.Option("--sources", help="Addresses it comes from [the family's].", min=0)
    ] = 0,
    arena: Annotated[
        bool,
        typer.Option("--arena", help="Against a server in a network namespace of its own."),
    ] = False,
    v6: Annotated[bool, typer.Option("--ipv6", help="From a /48, in such a namespace.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of all chance: the same again.")] = 1,
    data: Data = None,
    json: Json = False,
) -> None:
    """Attack your own server on this machine for some seconds, and say what became of it."""
    import msgspec

    from stentor.base.settings import load_settings
    from stentor.load.attacks.bounds import check
    from stentor.load.attacks.families import By, about

    if listed or not family:
        _list(json=json)
        return
    chosen, facts = about(family)
    check(per_s or facts.per_s, seconds, sources or facts.sources)
    wish = _Wish(chosen, per_s or facts.per_s, seconds, sources, seed, v6)
    settings = load_settings(data=data)
    if arena or v6 or facts.by is By.HALF_OPEN:
        outcome = _in_arena(settings, wish)
    else:
        outcome = _on_loopback(settings, wish, port, room)
        if settings.edge_network_exempt:
            typer.echo(
                f"Limits of networks do not hold for {settings.edge_network_exempt}"
                " (edge_network_exempt); --arena has none exempt.",
                err=True,
            )
    if json:
        typer.echo(msgspec.json.encode(outcome).decode())
    else:
        _show(chosen, outcome)


@dataclass(frozen=True, slots=True)
class _Wish:
    family: "Family"
    per_s: float
    seconds: float
    sources: int
    seed: int
    v6: bool

    def run(self, settings: "Settings", aim: "Aim", folder: Path) -> "Outcome":
        from stentor.base.paths import DataFolder
        from stentor.base.secrets import load_secret
        from stentor.load.attacks.families import FAMILIES, By, Family
        from stentor.load.attacks.run import Attack, run_attack
        from stentor.load.attacks.server import media_ports

        data = DataFolder(folder)
        datagrams = FAMILIES[self.family].by is By.DATAGRAMS
        forges = self.family is Family.TICKET_FORGERY
        ports = tuple(media_ports(data, aim.address)) if datagrams else ()
        key = load_secret(data.secrets / "door.key") if forges else None
        return run_attack(
            Attack(
                self.family, aim, self.per_s, self.seconds, self.sources, self.seed, self.v6,
                ports, key or b"",
            )
        )  # fmt: skip


def _on_loopback(
    settings: "Settings", wish: _Wish, port: int | None, room: str | None
) -> "Outcome":
    from stentor.load.attacks.server import find_aim

    return wish.run(settings, find_aim(settings, port=port, room=room), Path(settings.data))


def _in_arena(settings: "Settings", wish: _Wish) -> "Outcome":
    from stentor.load.attacks.arena import enter_arena
    from stentor.load.attacks.arena_server import arena_server

    enter_arena()
    with arena_server(settings, v6=wish.v6) as (aim, folder):
        return wish.run(settings, aim, folder)


def _list(*, json: bool) -> None:
    import msgspec
    from rich.console import Console
    from rich.table import Column, Table

    from stentor.load.attacks import bounds
    from stentor.load.attacks.families import FAMILIES

    caps = (
        f"At most {bounds.PER_S_MAX:,.0f} a second for {bounds.SECONDS_MAX:g} s,"
        f" {bounds.PROCESSES_MAX} processes with {bounds.HELD_MAX:,} connections each;"
        " only this machine's loopback, or a network namespace that is made for it."
    )
    if json:
        told = {
            name: {"does": one.does, "shows": one.shows, "by": one.by, "sources": one.sources,
                   "sources_max": one.sources_max, "per_s_max": bounds.PER_S_MAX,
                   "seconds_max": bounds.SECONDS_MAX}
            for name, one in FAMILIES.items()
        }  # fmt: skip
        typer.echo(msgspec.json.encode(told).decode())
        return
    family = Column("family", no_wrap=True, min_width=max(map(len, FAMILIES)))
    table = Table(family, "what it does", "what must hold", "addresses", show_lines=False)
    for name, one in FAMILIES.items():
        table.add_row(name, one.does, one.shows, f"{one.sources:,}")
    console = Console()
    console.print(table)
    console.print(caps)


def _show(family: "Family", outcome: "Outcome") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    per_s = outcome.sent / max(0.001, outcome.seconds)
    console.print(
        f"{family}: {outcome.sent:,} of {outcome.due:,} in {outcome.seconds:.1f} s"
        f" ({per_s:,.0f} a second), {outcome.let_in:,} let in, {outcome.held:,} held at the end."
    )
    table = Table("what", "how it ended", "times")
    for kind, endings in sorted(outcome.by_kind.items()):
        for ending, count in sorted(endings.items()):
            table.add_row(kind, ending, f"{count:,}")
    for name, count in outcome.kernel.items():
        table.add_row("kernel", name, f"{count:,}")
    console.print(table)
