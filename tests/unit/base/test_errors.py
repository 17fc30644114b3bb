"""Errors are sentences with an exit code of their own; problems are documents too."""

from __future__ import annotations

import pytest

from stentor.base import errors


def test_each_kind_of_error_has_its_exit_code() -> None:
    kinds = [errors.UsageError, errors.ConfigurationError, errors.UnavailableError]
    codes = [errors.StentorError.exit_code, *(kind.exit_code for kind in kinds)]
    assert codes == [1, 2, 3, 4]


@pytest.mark.parametrize("detail", ["", "What to do."])
def test_problem_is_a_document_and_a_sentence(detail: str) -> None:
    problem = errors.Problem(404, "no-such-room", "There is no such room", detail)
    document = problem.as_dict()
    assert document["type"] == "urn:stentor:problem:no-such-room"
    assert document["status"] == 404
    assert ("detail" in document) == bool(detail)
    assert str(problem).startswith("There is no such room")
