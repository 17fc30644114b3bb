"""The pre-flight at the API: who may ask, for how many, and a control that is alone says no."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.control import ControlProcess, controlling, token_of
from support.network import closed_ports


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlProcess]:
    """Control alone, and nobody at the others' ports."""
    with (
        closed_ports("port", "stage_port", "watch_port", "metrics_port") as ports,
        controlling(tmp_path_factory.mktemp("control"), ports) as process,
    ):
        yield process


def words(answer: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["word"] for item in answer["items"]}


def test_control_alone_is_not_ready_and_says_which_parts_are_not_there(
    control: ControlProcess,
) -> None:
    room = control.create_room(expected=200)
    answer = control.call("GET", f"/api/rooms/{room['room']}/preflight").json()
    assert answer["ready"] is False
    assert answer["expected"] == {"listeners": 200, "lasts_s": 7_200}
    said = words(answer)
    assert said["control"] == said["room"] == said["links"] == "yes"
    for missing in ("stage", "origin", "watch", "edges alive", "port for listeners", "rehearsal"):
        assert said[missing] == "no", missing
    assert all(item["do"] for item in answer["items"] if item["word"] != "yes")


def test_hosts_may_ask_and_speakers_and_strangers_may_not(control: ControlProcess) -> None:
    room, other = control.create_room(), control.create_room()
    path = f"/api/rooms/{room['room']}/preflight?expect=10"
    for role, status in (("host", 200), ("cohost", 200), ("speaker", 403)):
        assert control.call("GET", path, token=token_of(room, role)).status_code == status
    assert control.call("GET", path, token=token_of(other, "host")).status_code == 403
    assert control.call("GET", path, token="nobody").status_code == 401


def test_how_many_must_be_said_once_and_be_a_number_of_people(control: ControlProcess) -> None:
    room = control.create_room()
    path = f"/api/rooms/{room['room']}/preflight"
    unsaid = control.call("GET", path)
    assert (unsaid.status_code, unsaid.json()["title"]) == (
        422, "How many listeners are expected?",
    )  # fmt: skip
    for wrong in ("0", "-5", "1000000001", "many", "1.5"):
        assert control.call("GET", f"{path}?expect={wrong}").status_code == 422
    for odd in (-5, 1_000_000_001, 1.5, "70", None, [7]):
        refused = control.call("PATCH", path[:-10], {"expected": odd, "listed": True})
        assert refused.status_code == (200 if odd is None else 422), odd
    assert control.call("GET", path[:-10]).json()["expected"] == 0
    assert control.call("GET", f"{path}?expect=5&lasts_s=59").status_code == 422
    assert control.call("PATCH", path[:-10], {"expected": 70}).json()["expected"] == 70
    assert control.call("GET", path).json()["expected"]["listeners"] == 70
    assert control.call("GET", f"{path}?expect=9").json()["expected"]["listeners"] == 9


def test_a_room_that_is_not_there_is_a_no(control: ControlProcess) -> None:
    answer = control.call("GET", "/api/rooms/nowhere-a1b2/preflight?expect=5").json()
    assert answer["ready"] is False
    assert answer["items"][0]["told"] == "There is no such room."
