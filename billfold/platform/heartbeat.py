"""The worker's sign of life: a file it touches at the start of each round."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings


def _file() -> Path:
    return Path(settings.STATE_DIR) / "worker"


def beat() -> None:
    """Touch the file. A state directory that cannot be written does not stop the worker."""
    with suppress(OSError):
        _file().touch()


def silent_seconds() -> float | None:
    """Return how long ago the worker last touched the file; None if it never did."""
    try:
        return max(0.0, time.time() - _file().stat().st_mtime)
    except OSError:
        return None
