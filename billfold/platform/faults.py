"""Named hooks where a test may kill the process, so that recovery is tested. Inert in production.

`BILLFOLD_FAULT=after_send:kill` kills the process that reaches the hook; `:kill-database` kills
the private PostgreSQL; `:fail` raises. A live instance ignores the setting.
"""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

from django.conf import settings
from django.db import connection

_NOTICED_WITHIN_SECONDS = 120.0


class InjectedFault(Exception):
    """A test made this hook fail."""


def fault(name: str) -> None:
    """Carry out the fault a test has set for the hook `name`; normally none."""
    setting = os.environ.get("BILLFOLD_FAULT")
    if setting is None or settings.IS_LIVE:
        return
    hook, _, act = setting.partition(":")
    if hook != name:
        return
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif act == "kill-database":
        _kill_database()
    else:
        raise InjectedFault(name)


def _kill_database() -> None:
    """Kill the server, once, and wait until our connection has noticed."""
    del os.environ["BILLFOLD_FAULT"]
    pid_file = Path(os.environ["BILLFOLD_FAULT_POSTMASTER"])
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
    if connection.connection is not None and not connection.connection.closed:
        select.select([connection.connection.fileno()], [], [], _NOTICED_WITHIN_SECONDS)
