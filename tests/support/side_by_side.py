"""Which tests may run side by side: most wait in real time for what takes little work.

`./test` runs those that are not marked `alone` side by side, and the others after them, one by
one: what floods, keeps disks and processors busy or compares, and what hears in a browser how well
a whole server and its speakers play. Whatever takes a network for itself has one of its own
(support.namespaces), so it is in nobody's way. The others were tried on machines with much else to
do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ALONE = (
    "browser/test_browser_conversation.py",
    "browser/test_browser_room.py",
    "browser/test_studio_conversation.py",
    "integration/test_attacks.py",
    "integration/test_bench_edges.py",
    "integration/test_edge_join_budget.py",
    "integration/test_page_under_attack.py",
    "integration/origin/test_house_full_of_recordings.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests = Path(config.rootpath) / "tests"
    for item in items:
        if any(item.path.is_relative_to(tests / place) for place in ALONE):
            item.add_marker(pytest.mark.alone)
