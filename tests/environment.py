"""Loaded before Django's settings: a state folder and a database for each test process."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from billfold.platform.postgres import Cluster

STATE = Path(tempfile.mkdtemp(prefix="billfold-test-"))
STATE.chmod(0o711)
CLUSTER = Cluster(STATE, durable=False)

os.environ["BILLFOLD_MODE"] = "test"
os.environ["BILLFOLD_STATE"] = str(STATE)
os.environ["DATABASE_URL"] = CLUSTER.dsn("billfold")


def pytest_unconfigure() -> None:
    """Stop the database and take the folder away."""
    CLUSTER.stop()
    CLUSTER.remove()
    shutil.rmtree(STATE, ignore_errors=True)
