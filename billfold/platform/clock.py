"""The one clock. Entry points read it once and pass `now` down.

In demo and test it can be moved: the shift in whole seconds stands in a file that every process of
the instance reads. A live instance never reads that file.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings


class NotMovable(Exception):
    """The clock of a live instance cannot be moved."""


def _shift_file() -> Path:
    return Path(settings.STATE_DIR) / "clock"


def _shift() -> timedelta:
    if settings.IS_LIVE:
        return timedelta()
    try:
        return timedelta(seconds=int(_shift_file().read_text()))
    except FileNotFoundError:
        return timedelta()


def now() -> datetime:
    """Read the present moment, aware, in UTC."""
    return datetime.now(UTC) + _shift()


def move_to(moment: datetime) -> None:
    """Let the clock stand at `moment` now and run on from there.

    Raises: NotMovable on a live instance.
    """
    if settings.IS_LIVE:
        raise NotMovable
    shift = moment - datetime.now(UTC)
    path = _shift_file()
    fresh = path.with_suffix(".new")
    # Up to the next second: a clock just before the moment would find what is due then not due.
    fresh.write_text(str(math.ceil(shift.total_seconds())))
    fresh.replace(path)
