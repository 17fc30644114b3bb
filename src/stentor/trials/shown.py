"""How a rehearsal goes, on a terminal: one line that is renewed, and what is done above it."""

from rich.console import Console
from rich.live import Live
from rich.text import Text


class Shown:
    """Use it as a context. Where nobody watches, only what is done is said."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "Shown":
        if self._console.is_terminal:
            self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def now(self, line: str) -> None:
        """Say how it goes just now."""
        if self._console.is_terminal:
            self._live.update(Text(line, overflow="ellipsis", no_wrap=True))

    def done(self, line: str) -> None:
        """Say something that stays."""
        self._console.print(line, markup=False, highlight=False)
