"""How much a benchmark does: `--tiny` to see that it still works, `--large` for the largest."""

from __future__ import annotations

import sys
from typing import Final, TypeVar

T = TypeVar("T")
IS_TINY: Final = "--tiny" in sys.argv
IS_LARGE: Final = "--large" in sys.argv


def choose(*, tiny: T, usual: T, large: T | None = None) -> T:
    """Choose what the command line asks for; without a large size, the usual one is the largest."""
    if IS_TINY:
        return tiny
    return large if IS_LARGE and large is not None else usual
