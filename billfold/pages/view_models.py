"""Pieces that several pages show: finished values, made by the views, printed by the templates."""

from __future__ import annotations

from dataclasses import dataclass

from billfold.money import Money


@dataclass(frozen=True, slots=True)
class StatusPill:
    """One of the design's eight keys, and the word that stands in the pill."""

    key: str
    word: str


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class NoticeBox:
    """A boxed remark; tone is "", "ok", "warn", "bad" or "plain"."""

    icon: str
    text: str
    title: str = ""
    tone: str = ""
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class DecisionReason:
    """A reason beside a decision: tone "yes" (icon tick), "so" (info) or "no" (warn)."""

    tone: str
    icon: str
    text: str
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class FormProblem:
    text: str
    field_id: str = ""


@dataclass(frozen=True, slots=True)
class ProblemSummary:
    """What is wrong with a form: focused, first in the form, each line leading to its field."""

    title: str
    items: tuple[FormProblem, ...]


@dataclass(frozen=True, slots=True)
class FormField:
    name: str
    value: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class DetailLine:
    """One labelled line about a thing, such as its size or its bank."""

    label: str
    text: str
    url: str = ""
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class InvoiceAmount:
    """What a payment puts on one invoice."""

    number: str
    amount: Money
    left_text: str = ""


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """A point of a timeline; tone is "done", "now", "bad" or "" for what is still to come."""

    title: str
    note: str = ""
    tone: str = ""
    is_current: bool = False
    link: Link | None = None


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
class BillerDetails:
    """The biller as every page names it. Context variable `biller`, also on error pages."""

    name: str
    legal_name: str
    support_phone: str
    support_phone_url: str
    support_hours: str
    support_email: str
    mail_reflected_text: str
    links: tuple[Link, ...]
