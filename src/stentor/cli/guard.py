"""`stentor guard`: the privileged helper that tells the kernel whom to drop."""

from typing import Annotated

import typer

from stentor.cli.options import Data


def guard(
    data: Data = None,
    interface: Annotated[
        list[str] | None,
        typer.Option("--interface", help="Drop by XDP here, if possible; may be repeated."),
    ] = None,
) -> None:
    """Drop in the kernel whom the shield bans, until Ctrl-C; needs CAP_NET_ADMIN.

    All rules vanish with it. Other settings come from the environment: see `stentor settings`.
    """
    from stentor.base.logs import set_up_logs
    from stentor.base.settings import load_settings
    from stentor.guard.serve import guard_folder, run_guard

    settings = load_settings(
        data=data, guard="on", guard_interfaces=",".join(interface) if interface else None
    )
    set_up_logs("guard", as_json=settings.log_json, level=settings.log_level)
    run_guard(settings, guard_folder(settings))
