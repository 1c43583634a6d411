"""Long lists in pages: which page, which rows, and the steps between pages."""

from __future__ import annotations

from urllib.parse import urlencode

from billfold.pages.shapes import Pager, PagerStep


def pages(count: int, per_page: int) -> int:
    return max(1, -(-count // per_page))


def number(text: str, count: int, per_page: int) -> int:
    """Read a page number; anything that is none gives the first or the last page."""
    wanted = int(text[:9]) if text.isascii() and text.isdigit() else 1
    return max(1, min(wanted, pages(count, per_page)))


def window(at: int, per_page: int) -> slice:
    return slice((at - 1) * per_page, at * per_page)


def address(path: str, asked: dict[str, str]) -> str:
    """Write an address with what it asks for; what goes without saying is left out."""
    kept = {key: value for key, value in asked.items() if value and value != "all"}
    return f"{path}?{urlencode(kept)}" if kept else path


def pager(path: str, asked: dict[str, str], at: int, count: int, per_page: int) -> Pager | None:
    """Make the steps: first, last, those around the present one, and gaps between."""
    last = pages(count, per_page)
    if last == 1:
        return None

    def url(page: int) -> str:
        return address(path, {**asked, "page": str(page)})

    near = sorted({1, last, *range(max(1, at - 1), min(last, at + 1) + 1)})
    steps: list[PagerStep] = []
    if at > 1:
        steps.append(PagerStep("Previous", url(at - 1)))
    for before, page in zip([0, *near], near, strict=False):
        if page - before > 1:
            steps.append(PagerStep("\N{HORIZONTAL ELLIPSIS}"))
        steps.append(PagerStep(f"{page:,}", url(page), is_number=True, is_current=page == at))
    if at < last:
        steps.append(PagerStep("Next", url(at + 1)))
    first_row, last_row = (at - 1) * per_page + 1, min(count, at * per_page)
    return Pager(f"{first_row:,}\N{EN DASH}{last_row:,} of {count:,}", tuple(steps))
