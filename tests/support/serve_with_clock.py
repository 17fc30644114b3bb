"""`stentor serve` on a machine whose wall clock can be put wrong: by a file, in nanoseconds.

python serve_with_clock.py FILE serve --data …
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from stentor import app, cli
from stentor.base.clock import measured_offset_ns


def measure(file: Path) -> int:
    """Return the kernel's offset, and whatever the test has put on top of it."""
    return measured_offset_ns() + (int(file.read_text()) if file.exists() else 0)


if __name__ == "__main__":
    put_wrong = Path(sys.argv.pop(1))
    app.serve = functools.partial(app.serve, measure=lambda: measure(put_wrong))
    cli.main()
