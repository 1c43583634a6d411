"""Taking figures and printing them: each ratio stands beside its limit."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable

from bench import _size


def seconds(act: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Measure how long an act takes."""
    start = clock()
    act()
    return clock() - start


def quickest(
    *acts: Callable[[], object], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Measure acts in turn, so that all meet the same machine; give the best seconds of each."""
    best = [float("inf")] * len(acts)
    for _ in range(_size.choose(tiny=1, usual=rounds)):
        for number, act in enumerate(acts):
            gc.collect()
            best[number] = min(best[number], seconds(act, clock=clock))
    return best


def peak_mb() -> float:
    """Measure the most memory this process has ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(
    name: str, ratio: float, wanted: float, *, at_most: bool = False, note: str = ""
) -> None:
    """Print one ratio beside its limit; at the tiny size it says nothing and is not judged."""
    is_met = ratio <= wanted if at_most else ratio >= wanted
    verdict = "tiny" if _size.IS_TINY else "ok  " if is_met else "MISS"
    sign = "<=" if at_most else ">="
    print(f"{verdict} {name}: {ratio:.2f} (wanted {sign} {wanted}) {note}".rstrip(), flush=True)


def skip(package: str) -> None:
    """Print that a package to compare with is not installed."""
    print(f"skip: {package} is not installed, so nothing is measured against it", flush=True)
