"""What the system says about running servers: all of it on Linux, less elsewhere."""

import os
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")


def is_server_of(pid: int, data: Path) -> bool:
    """Say whether that process is the server of that data directory."""
    if not (PROC / "self").exists():
        return is_alive(pid)
    try:
        return os.fsencode(data) in (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def uses_shared_memory(segment: str) -> bool:
    """Say whether any process is attached to that System V shared memory segment."""
    try:
        rows = [line.split() for line in (PROC / "sysvipc" / "shm").read_text().splitlines()]
    except OSError:
        return False
    return any(row[1] == segment and row[6] != "0" for row in rows[1:])
