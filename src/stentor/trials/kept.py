"""What a rehearsal has on disk of its trials: a line each, written when it ends, read to go on."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from stentor.rehearsal.certificate import TRIALS_FILE
from stentor.rehearsal.trial import Trial, decode_trials, encode_trial
from stentor.trials.plan import TrialPlan

_NONE: Mapping[str, str] = MappingProxyType({})


class Kept:
    """The trials of one rehearsal's folder; those of other code or settings are put aside."""

    def __init__(self, folder: Path, version: str, settings: Mapping[str, str] = _NONE) -> None:
        """`settings` are those that trials run under, if not the default."""
        self._path = folder / TRIALS_FILE
        whole = self._path.read_bytes() if self._path.exists() else b""
        found = decode_trials(whole)
        self.trials = [one for one in found if (one.version, one.settings) == (version, settings)]
        self.aside = len(found) - len(self.trials)
        if self.aside:
            self._path.replace(self._path.with_suffix(".old"))
        if self.aside or not whole.endswith(b"\n"):  # a last line was cut off
            self._path.write_bytes(b"".join(map(encode_trial, self.trials)))

    def add(self, trial: Trial) -> None:
        """Write one more, and see that it is on the disk."""
        self.trials.append(trial)
        with self._path.open("ab") as file:
            file.write(encode_trial(trial))
            file.flush()
            os.fsync(file.fileno())

    def of(self, plan: TrialPlan) -> list[Trial]:
        """Return the trials that were run by this plan, void ones too."""
        return [one for one in self.trials if _is_of(one, plan)]

    def newest(self, plans: Sequence[TrialPlan]) -> list[Trial]:
        """Return what holds of each plan: the last trial."""
        return [found[-1] for plan in plans if (found := self.of(plan))]


def _is_of(trial: Trial, plan: TrialPlan) -> bool:
    return _arranged(trial) == _arranged(plan)


def _arranged(one: Trial | TrialPlan) -> tuple[object, ...]:
    return (
        one.kind, one.size, one.tls, one.lane_parts, one.edges, one.join_share, one.round,
    )  # fmt: skip
