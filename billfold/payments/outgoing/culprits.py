"""Finds which of many payments make a cut-off fail, by cutting without the others. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence


def find_culprits(
    references: Sequence[str], fails: Callable[[Sequence[str]], bool]
) -> Iterator[str]:
    """Find the payments that fail by themselves; `fails` tries to cut only those it is given.

    Costs two trials for each halving on the way to a culprit. A failure that only several payments
    bring about together has none.
    """
    if not references or not fails(references):
        return
    if len(references) == 1:
        yield references[0]
        return
    half = len(references) // 2
    yield from find_culprits(references[:half], fails)
    yield from find_culprits(references[half:], fails)
