"""The page of a run for docs/benchmarks: table, plot and raw figures, with machine and versions."""

import json
from pathlib import Path
from typing import Any


def write(folder: Path, found: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "edges.json").write_text(json.dumps(found, indent=1) + "\n")
