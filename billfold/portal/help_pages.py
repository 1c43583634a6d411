"""Help: short answers to tasks, searched by the words people ask with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from html import unescape
from typing import Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from billfold.pages import access, links
from billfold.pages.access import PayerVisit
from billfold.pages.view_models import Link
from billfold.portal import payer_frame


@dataclass(frozen=True, slots=True)
class HelpArticle:
    slug: str
    question: str
    summary: str
    url: str


@dataclass(frozen=True, slots=True)
class HelpPage:
    query: str
    heading: str
    articles: tuple[HelpArticle, ...]


_QUESTIONS: Final = (
    (
        "how-do-i-make-a-payment",
        "How do I make a payment in my portal?",
        "From the Billing tile to the receipt, in about two minutes.",
    ),
    (
        "why-does-my-payment-say-processing",
        "Why does my payment say Processing?",
        "What happens between Pay and Paid, day by day.",
    ),
    (
        "how-do-i-cancel-a-payment",
        "How do I cancel a payment?",
        "Until the cut-off, in two clicks.",
    ),
    (
        "what-happens-when-a-payment-is-returned",
        "What happens when a payment is returned?",
        "Why banks send payments back, and what to do.",
    ),
    (
        "how-do-i-pay-by-check-or-wire",
        "How do I pay by check or wire?",
        "Where to send it and which numbers to include.",
    ),
    (
        "how-do-i-remove-a-saved-account",
        "How do I remove a saved account?",
        "And how to name it or offer it first.",
    ),
)
ARTICLES: Final = {
    slug: HelpArticle(slug, question, summary, links.help_article(slug))
    for slug, question, summary in _QUESTIONS
}
_SMALL_WORDS: Final = {
    *("a", "an", "and", "by", "can", "do", "does", "for", "how", "i", "in", "is", "it", "me", "my"),
    *("of", "or", "the", "to", "was", "what", "when", "where", "which", "why", "with", "you"),
}
_PREFIX: Final = 4
"""Words that share so many letters at their beginning are taken for the same."""
_LONGEST_QUERY: Final = 200
_ANY_VISITOR: Final = {"return_fee_text": "Return Fee", "may_promise_days": True}


@access.open_to_payers("GET")
def help_overview(visit: PayerVisit) -> HttpResponse:
    """List the articles, or those that a search finds."""
    query = visit.query_field("q")[:_LONGEST_QUERY]
    heading = (
        f"Answers to \N{LEFT DOUBLE QUOTATION MARK}{query}\N{RIGHT DOUBLE QUOTATION MARK}"
        if query
        else "Articles"
    )
    page = HelpPage(query=query, heading=heading, articles=tuple(search(query)))
    return payer_frame.render(visit, "help.html", page, section="help")


@access.open_to_payers("GET")
def help_article(visit: PayerVisit, slug: str) -> HttpResponse:
    """Show one answer."""
    article = ARTICLES.get(slug)
    if article is None:
        raise Http404
    context = {
        "article": article,
        "others": tuple(other for other in ARTICLES.values() if other is not article),
        "visitor": payer_frame.visitor(visit),
        "section": "help",
    }
    return render(visit.request, f"portal/help/{slug}.html", context)


def first_articles() -> tuple[Link, ...]:
    """Name the answers people need first."""
    first = [Link(article.question, article.url) for article in list(ARTICLES.values())[:2]]
    return (*first, Link("All help articles", links.HELP))


def search(query: str) -> list[HelpArticle]:
    """Find articles by the words of their question first, then of their text; best match first."""
    searched = _words(query)
    if not searched:
        return list(ARTICLES.values())
    ranked = [
        (
            (
                _count_hits(searched, _words(article.question)),
                _count_hits(searched, _article_words(article.slug)),
            ),
            article,
        )
        for article in ARTICLES.values()
    ]
    best = sorted((rank for rank in ranked if any(rank[0])), key=lambda rank: rank[0], reverse=True)
    return [article for _, article in best]


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - _SMALL_WORDS


@cache
def _article_words(slug: str) -> frozenset[str]:
    """Give the words of an article as everybody may read them, on no account of theirs."""
    context = {"article": ARTICLES[slug], "frame": "portal/_bare.html", "visitor": _ANY_VISITOR}
    page = render_to_string(f"portal/help/{slug}.html", context)
    return frozenset(_words(unescape(re.sub(r"<[^>]+>", " ", page))))


def _count_hits(searched: set[str], words: Iterable[str]) -> int:
    """Count the searched words that are there, or begin like one that is: return, returned."""
    known = set(words)
    starts = {word[:_PREFIX] for word in known if len(word) >= _PREFIX}
    return sum(
        word in known or (len(word) >= _PREFIX and word[:_PREFIX] in starts) for word in searched
    )
