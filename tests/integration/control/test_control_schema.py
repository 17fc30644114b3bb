"""The API as its own description says: generated requests, against the running process."""

from __future__ import annotations

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from support.control import PROBLEM, ControlProcess

pytestmark = pytest.mark.timeout(300)
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
    checks.unsupported_method,
    checks.allow_header_conformance,
]


@pytest.fixture(scope="module")
def api(control: ControlProcess) -> schemathesis.BaseSchema:
    document = httpx.get(f"{control.base}/api/openapi.json", timeout=10, trust_env=False).json()
    return schemathesis.openapi.from_dict(document)


@pytest.fixture(scope="module")
def room(control: ControlProcess) -> str:
    made: str = control.create_room(speakers=4)["room"]
    return made


def test_every_operation_is_described_with_its_refusals(control: ControlProcess) -> None:
    document = control.client.get("/api/openapi.json").json()
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) >= 14
    for path, method, operation in operations:
        assert operation["summary"], (path, method)
        for status, response in operation["responses"].items():
            if status[0] in "45":
                assert PROBLEM in response["content"], (path, method, status)
        if path.startswith("/api/"):
            assert operation["security"], (path, method)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_generated_requests_meet_no_fault_of_ours(
    api: schemathesis.BaseSchema, control: ControlProcess, room: str, mode: GenerationMode
) -> None:
    token = {"Authorization": f"Bearer {control.operator}"}
    for result in api.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=8,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            if case.path_parameters and "room" in case.path_parameters:
                case.path_parameters["room"] = room
            case.call_and_validate(base_url=control.base, headers=token, checks=CHECKS, timeout=20)

        try:
            ask()
        except Unsatisfiable:  # there is nothing wrong that this operation could be sent
            assert mode is GenerationMode.NEGATIVE
    assert "Traceback" not in control.log()
