"""The answer as one HTML page. Deterministic."""

from stentor.rehearsal.answer import Answer
from stentor.simulate.fleet.course import Course


def answer_page(answer: Answer, course: Course) -> str:
    """Return the whole page."""
    raise NotImplementedError
