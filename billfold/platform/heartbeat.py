"""The worker's sign of life: the age of a file tells when it last went round."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings


def _file() -> Path:
    return Path(settings.STATE_DIR) / "worker"


def beat() -> None:
    """Say that the worker lives. A state directory that takes no file does not stop it."""
    with suppress(OSError):
        _file().touch()


def silent_seconds() -> float | None:
    """Tell how long ago the worker last said so; None if it never did."""
    try:
        return max(0.0, time.time() - _file().stat().st_mtime)
    except OSError:
        return None
