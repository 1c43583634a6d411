"""Named places where a test may kill, so that recovery can be shown. Inert in production.

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

_NOTICED_WITHIN_SECONDS = 5.0


class Injected(Exception):
    """A test asked this hook to fail."""


def fault(name: str) -> None:
    """Do what a test asked for at the hook `name`; normally nothing."""
    asked = os.environ.get("BILLFOLD_FAULT")
    if asked is None or settings.IS_LIVE:
        return
    hook, _, act = asked.partition(":")
    if hook != name:
        return
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif act == "kill-database":
        _kill_database()
    else:
        raise Injected(name)


def _kill_database() -> None:
    """Kill the server, once, and wait until our connection has noticed."""
    del os.environ["BILLFOLD_FAULT"]
    pid_file = Path(os.environ["BILLFOLD_FAULT_POSTMASTER"])
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
    if connection.connection is not None and not connection.connection.closed:
        select.select([connection.connection.fileno()], [], [], _NOTICED_WITHIN_SECONDS)
