"""Amounts, days, statuses and icons as pages print them. Templates print money through `money`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from django import template
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from billfold.money import Money
from billfold.pages.icons import ICONS
from billfold.pages.view_models import StatusPill

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
    dollars, point, cents = money(value).partition(".")
    if not point:
        return format_html('<span class="money money--display">{}</span>', dollars)
    return format_html(
        '<span class="money money--display">{}<span class="cents">.{}</span></span>', dollars, cents
    )


@register.simple_tag
def pill(status: StatusPill) -> SafeString:
    """Print a status: word, shape and colour."""
    return format_html('<span class="pill" data-status="{}">{}</span>', status.key, status.word)


@register.simple_tag
def icon(name: str, small: bool = False) -> SafeString:
    """Draw a picture that says nothing to a screen reader: its label stands beside it."""
    return mark_safe(  # noqa: S308  icons are ours, constant, and checked by name
        f'<svg class="i{" i--s" if small else ""}" viewBox="0 0 24 24" aria-hidden="true" '
        f'focusable="false">{ICONS[name]}</svg>'
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


def plural(count: int, word: str) -> str:
    """Write "1 invoice" or "2 invoices"."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _local(value: date) -> date:
    """Move a moment into the biller's zone, so that it has the day it has there."""
    return timezone.localtime(value) if isinstance(value, datetime) else value
