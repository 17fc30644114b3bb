"""Which tests may run two at a time: most wait in real time for what takes little work.

`./test` runs those that are not marked `alone` side by side, and the others after them, one by
one: whole crowds, comparisons and floods, which want both processors, and browsers. Whatever takes
a network for itself has one of its own (support.namespaces), so it is in nobody's way.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ALONE = (
    "browser",
    "integration/test_attacks.py",
    "integration/test_bench_edges.py",
    "integration/test_edge_full_house.py",
    "integration/test_edge_join_budget.py",
    "integration/test_edge_load.py",
    "integration/test_load_crowds.py",
    "integration/test_stage_spray.py",
    "integration/test_system_deploy.py",
    "integration/test_system_hour.py",
    "integration/origin/test_house_full_of_recordings.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests = Path(config.rootpath) / "tests"
    for item in items:
        if any(item.path.is_relative_to(tests / place) for place in ALONE):
            item.add_marker(pytest.mark.alone)
