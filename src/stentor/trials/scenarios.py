"""Finds a scenario by its path, or by its name in a `scenarios` folder. Reads; decides nothing.

A name is looked up where one is, then in the clone that the code lies in; an installed wheel
carries the project's own beside its code.
"""

from dataclasses import dataclass
from pathlib import Path

from stentor.base.build import PACKAGE
from stentor.base.errors import UsageError
from stentor.simulate.fleet.reading import TEXT_MAX, read
from stentor.simulate.fleet.scenario import Scenario, scaled

_FOLDERS = (Path("scenarios"), PACKAGE.parents[1] / "scenarios", PACKAGE / "scenarios")


@dataclass(frozen=True, slots=True)
class Found:
    """A scenario and its text as it was read."""

    name: str
    text: str
    scenario: Scenario


def find_scenario(wish: str, listeners: int | None = None) -> Found:
    """Return the scenario, for so many listeners if that is said; raises `UsageError`."""
    path = _path(wish)
    try:
        text = path.read_bytes()[: 4 * TEXT_MAX + 1].decode()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text: a scenario is a TOML file.") from None
    scenario = read(text)
    if listeners is not None:
        scenario = scaled(scenario, listeners)
    return Found(path.stem, text, scenario)


def _path(wish: str) -> Path:
    path = Path(wish)
    if path.is_file():
        return path
    if path.name == wish:
        for folder in _FOLDERS:
            found = folder / f"{path.stem if path.suffix == '.toml' else wish}.toml"
            if found.is_file():
                return found
    there = sorted({one.stem for folder in _FOLDERS for one in folder.glob("*.toml")})
    told = f"there are {', '.join(there)}" if there else "name the path of one"
    raise UsageError(f"There is no scenario {wish}; {told}.")
