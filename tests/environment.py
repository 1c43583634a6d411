"""Loaded before Django's settings: a state folder and a database for each test process."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import hypothesis
import pytest
from hypothesis import HealthCheck

from billfold.platform.postgres.server import PrivateServer

STATE = Path(tempfile.mkdtemp(prefix="billfold-test-"))
STATE.chmod(0o711)
SERVER = PrivateServer(STATE, durable=False)

os.environ["BILLFOLD_MODE"] = "test"
os.environ["BILLFOLD_STATE"] = str(STATE)
os.environ |= SERVER.addresses()


# What is loaded before the first test is never garbage: it need not be looked through.
gc.disable()

# No test is timed: machines are shared, and a slow moment says nothing about the code.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")
SHARING_A_FIXTURE: Final = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
"""What a property is not checked for that uses one fixture for all its examples."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-samples",
        action="store_true",
        help="fail if a test is skipped, such as one that needs BILLFOLD_SAMPLES",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--require-samples") and "BILLFOLD_SAMPLES" not in os.environ:
        raise pytest.UsageError("--require-samples: BILLFOLD_SAMPLES names no folder of samples.")


LONG_FIRST: Final = ("faults", "browser", "stories/installing", "stories")
"""Folders whose files take long: none of those is what all processes wait for at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long; those of a folder keep their order."""

    def place(item: pytest.Item) -> int:
        parts = [Path(__file__).parent / folder for folder in LONG_FIRST]
        inside = (i for i, folder in enumerate(parts) if item.path.is_relative_to(folder))
        return next(inside, len(LONG_FIRST))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Look for garbage from now on, among what tests make."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a run with skipped tests into a failed one, if it was asked for."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not session.config.getoption("--require-samples") or reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{len(skipped)} skipped, and --require-samples allows none.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure() -> None:
    """Stop the database and take the folder away."""
    SERVER.stop()
    SERVER.remove()
    shutil.rmtree(STATE, ignore_errors=True)
