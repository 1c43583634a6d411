"""Long lists in pages: which rows of them, and the steps between pages."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

from django.core.paginator import Page, Paginator

from billfold.pages.view_models import Pager, PagerStep

_LONGEST_NUMBER: Final = 9


def find_page(number: str, total: int, per_page: int) -> Page[int]:
    """Find the page of that number among `total` rows, or the nearest there is.

    What is no number gives the first page.
    """
    paginator = Paginator(range(total), per_page)
    requested = int(number[:_LONGEST_NUMBER]) if number.isascii() and number.isdecimal() else 1
    return paginator.page(min(max(requested, 1), paginator.num_pages))


def rows_of(page: Page[int]) -> slice:
    """Cut the rows of a page out of the whole list."""
    return slice(max(page.start_index() - 1, 0), page.end_index())


def summary(page: Page[int]) -> str:
    """Say which rows a page shows, of how many."""
    rows = f"{page.start_index():,}\N{EN DASH}{page.end_index():,}"
    return f"{rows} of {page.paginator.count:,}"


def pager(
    page: Page[int], url_of: Callable[[int], str], *, is_compact: bool = False
) -> Pager | None:
    """Link to the first, the last and the neighbouring pages; one page needs no links.

    Compact, as on staff pages: without a step back, and page numbers without commas.
    """
    if not page.has_other_pages():
        return None
    steps: list[PagerStep] = []
    if page.has_previous() and not is_compact:
        steps.append(PagerStep("Previous", url_of(page.number - 1)))
    for before, number in pairwise([0, *_near(page)]):
        if number - before > 1:
            steps.append(PagerStep("\N{HORIZONTAL ELLIPSIS}"))
        label = str(number) if is_compact else f"{number:,}"
        is_current = number == page.number
        steps.append(PagerStep(label, url_of(number), is_number=True, is_current=is_current))
    if page.has_next():
        steps.append(PagerStep("Next", url_of(page.number + 1)))
    return Pager(summary(page), tuple(steps))


def _near(page: Page[int]) -> list[int]:
    """List the pages to link to. Django's elided range never leaves out a single page; ours may."""
    pages = page.paginator.page_range
    numbers = {pages[0], page.number - 1, page.number, page.number + 1, pages[-1]}
    return sorted(number for number in numbers if number in pages)
