"""Named places where a test may kill, so that recovery can be shown. Inert in production.

`BILLFOLD_FAULT=after_send:kill` kills the process that reaches the hook; `:kill-database` kills
the private PostgreSQL; `:fail` raises. A live instance ignores the setting.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from django.conf import settings


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
    pid_file = Path(os.environ["BILLFOLD_FAULT_POSTMASTER"])
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
