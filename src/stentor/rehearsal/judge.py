"""From a plan and a simulated course to the answer. Pure: the same two give the same answer."""

from collections.abc import Sequence

from stentor.rehearsal.answer import Answer, Witness
from stentor.rehearsal.plan import Plan
from stentor.simulate.fleet.course import Course


def make_answer(
    course: Course,
    plan: Plan,
    *,
    witnesses: Sequence[Witness] = (),
    version: str = "",
    again: str = "",
) -> Answer:
    """Return the answer. `again` is the command that was given, `version` the code's."""
    raise NotImplementedError
