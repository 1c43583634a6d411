"""Whoever typed a command, as the audit trail names them."""

import getpass
import os

from billfold.platform.audit import Actor


def identify() -> Actor:
    """Name the system's user who typed the command."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"user {os.getuid()}"
    return Actor(id=f"command/{name}", name=name)
