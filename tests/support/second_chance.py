"""A second chance for tests of real time, and everything built anew for it.

tests/integration and tests/browser run in real time on machines that they share; a test there that
fails is run once more, and the summary shows the first failure as RERUN with its traceback. A test
that used its second chance is a bug report (CONTRIBUTING.md), not a success. Unit and behaviour
tests have no clock but their own: they never get one.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

REAL_TIME = ("integration", "browser")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests = Path(config.rootpath) / "tests"
    for item in items:
        if any(item.path.is_relative_to(tests / folder) for folder in REAL_TIME):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if getattr(item, "execution_count", 1) > 1:
        _discard_fixtures(item)
        _wind_timer(item)


def _discard_fixtures(item: pytest.Item) -> None:
    """Tear down what the tests of a module or of the session share: it may be what is broken.

    pytest-rerunfailures would hand the second run the same server that the first one hurt.
    """
    info = getattr(item, "_fixtureinfo", None)
    for definitions in info.name2fixturedefs.values() if info else ():
        for definition in definitions:
            try:
                definition.finish(item._request)  # type: ignore[attr-defined]
            except Exception as failure:
                warnings.warn(f"{definition.argname} was hard to end: {failure!r}", stacklevel=1)


def _wind_timer(item: pytest.Item) -> None:
    """Give the second run the whole time; pytest-timeout sets its timer once for both."""
    hook = item.config.pluginmanager.hook
    if hasattr(hook, "pytest_timeout_set_timer"):
        from pytest_timeout import _get_item_settings

        settings = _get_item_settings(item)
        hook.pytest_timeout_cancel_timer(item=item)
        if settings.timeout and not settings.func_only:
            hook.pytest_timeout_set_timer(item=item, settings=settings)
