"""How amounts, days and statuses look on a page. Templates print money through `money` only."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Protocol

from django import template
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from billfold.money import Money
from billfold.pages.drawings import DRAWINGS

register = template.Library()

SIGNS: Final = {"USD": "$", "CAD": "CA$", "EUR": "€", "GBP": "£", "MXN": "MX$", "JPY": "¥"}
MINUS: Final = "\N{MINUS SIGN}"

ZONES: Final = {
    "EST": "ET",
    "EDT": "ET",
    "CST": "CT",
    "CDT": "CT",
    "MST": "MT",
    "MDT": "MT",
    "PST": "PT",
    "PDT": "PT",
}
"""What people call a zone all year round."""


class Shown(Protocol):
    """A state as the payer reads it: one of the design's eight keys, and its word."""

    @property
    def key(self) -> str: ...
    @property
    def word(self) -> str: ...


@register.filter
def money(amount: Money) -> str:
    """Write an amount as it is spoken of: $1,672.50, with a true minus when it is negative."""
    digits = amount.plain(grouped=True).removeprefix("-")
    return f"{MINUS if amount.minor < 0 else ''}{SIGNS[amount.currency]}{digits}"


@register.simple_tag
def amount(value: Money, style: str = "") -> SafeString:
    """Print money in its own element: digits line up, and zero is quiet."""
    tone = "" if value else " money--zero"
    return format_html(
        '<span class="money{}{}">{}</span>', tone, f" {style}" if style else "", money(value)
    )


@register.simple_tag
def display(value: Money) -> SafeString:
    """Print the one large amount of a page, its cents smaller than its dollars."""
    whole, point, cents = money(value).partition(".")
    if not point:
        return format_html('<span class="money money--display">{}</span>', whole)
    return format_html(
        '<span class="money money--display">{}<span class="cents">.{}</span></span>', whole, cents
    )


@register.simple_tag
def pill(status: Shown) -> SafeString:
    """Print a status: word, shape and colour."""
    return format_html('<span class="pill" data-status="{}">{}</span>', status.key, status.word)


@register.simple_tag
def icon(name: str, small: bool = False) -> SafeString:
    """Draw a picture that says nothing to a screen reader: its label stands beside it."""
    return mark_safe(  # noqa: S308  drawings are ours, constant, and checked by name
        f'<svg class="i{" i--s" if small else ""}" viewBox="0 0 24 24" aria-hidden="true" '
        f'focusable="false">{DRAWINGS[name]}</svg>'
    )


@register.filter
def day(value: date) -> str:
    """Write a date in full: Nov 27, 2026."""
    return dateformat.format(_local(value), "M j, Y")


@register.filter
def short_day(value: date) -> str:
    """Write a date whose year is plain: Nov 27."""
    return dateformat.format(_local(value), "M j")


@register.filter
def long_day(value: date) -> str:
    """Write a date with its weekday: Friday, Nov 27."""
    return dateformat.format(_local(value), "l, M j")


@register.filter
def moment(value: datetime) -> str:
    """Write a time of day with the biller's zone: 2:31 pm ET."""
    local = timezone.localtime(value)
    zone = local.tzname() or ""
    return f"{dateformat.format(local, 'g:i A').lower()} {ZONES.get(zone, zone)}"


@register.filter
def stamp(value: datetime) -> str:
    """Write a moment in full: Nov 23, 2026, 2:31 pm ET."""
    return f"{day(value)}, {moment(value)}"


def _local(value: date) -> date:
    """A moment belongs to the day it has in the biller's zone."""
    return timezone.localtime(value) if isinstance(value, datetime) else value
