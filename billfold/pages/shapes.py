"""Pieces that many pages show: finished values, made by the views, printed by the templates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """One of the design's eight keys, and the word that stands in the pill."""

    key: str
    word: str


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A boxed remark; tone is "", "ok", "warn", "bad" or "plain"."""

    icon: str
    text: str
    title: str = ""
    tone: str = ""
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    text: str
    field_id: str = ""


@dataclass(frozen=True, slots=True)
class Problems:
    """The error summary: focused, first in the form, each line leading to its field."""

    title: str
    items: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    value: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    key: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url: str
    count: int | None = None
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class PagerStep:
    """A link in the pager; no url is a gap."""

    label: str
    url: str = ""
    is_number: bool = False
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Pager:
    summary: str
    steps: tuple[PagerStep, ...]


@dataclass(frozen=True, slots=True)
class Biller:
    """The biller as every page names it. Context variable `biller`, also on error pages."""

    name: str
    short_name: str
    legal_name: str
    support_phone: str
    support_phone_url: str
    support_hours: str
    reflected_text: str
    mail_reflected_text: str
    support_email: str = ""
    logo_url: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A customer account as its payer knows it: by name and Account #."""

    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in, for which account. Context variable `visitor`; absent when nobody is."""

    name: str
    initials: str
    account: Account
    accounts: tuple[Account, ...]
    return_fee_text: str = ""
    """What a returned payment costs on this account; empty where no fee is allowed."""


@dataclass(frozen=True, slots=True)
class Step:
    """A point of a timeline; tone is "done", "now", "bad" or "" for what is still to come."""

    title: str
    note: str = ""
    tone: str = ""
    is_current: bool = False
    link: Link | None = None
