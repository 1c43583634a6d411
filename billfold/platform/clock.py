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
    """Set the clock to `moment`; it runs on from there.

    Raises: NotMovable on a live instance.
    """
    if settings.IS_LIVE:
        raise NotMovable
    shift = moment - datetime.now(UTC)
    path = _shift_file()
    new_file = path.with_suffix(".new")
    # Rounded up: a clock a fraction before the moment would not see what is due at that moment.
    new_file.write_text(str(math.ceil(shift.total_seconds())))
    new_file.replace(path)
