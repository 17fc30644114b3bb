"""The answer in at most 25 lines."""

from stentor.rehearsal.answer import Answer


def summary(answer: Answer) -> list[str]:
    """Return the lines, with rich's markup."""
    raise NotImplementedError
