"""Ports on this machine for servers that tests start."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

import pytest


def free_port() -> int:
    """Choose a free port among those that the system gives to nobody who asks for just any."""
    for port in range(10_000 + 37 * os.getpid() % 20_000, 32_000):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.fail("no port is free")
