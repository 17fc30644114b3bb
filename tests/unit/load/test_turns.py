"""How often a process of a load looks at what has come."""

from __future__ import annotations

from stentor.load.fleet import turns_apart_ns


def test_few_processes_look_at_once_and_many_on_few_cores_take_turns() -> None:
    assert [turns_apart_ns(processes, 2) for processes in (1, 2, 4)] == [0, 0, 0]
    assert turns_apart_ns(10, 2) == 20_000_000
    assert turns_apart_ns(100, 2) == 50_000_000
