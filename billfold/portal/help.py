"""Help: short answers to tasks, found by the sentence people ask."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from html import unescape
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from billfold.pages.answers import allow, asked
from billfold.pages.shapes import Link
from billfold.portal.shapes import Article, Help
from billfold.portal.visits import Visit, signed_in

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
    slug: Article(slug, question, summary, f"/help/{slug}")
    for slug, question, summary in _QUESTIONS
}
_SMALL_WORDS: Final = {
    *("a", "an", "and", "by", "can", "do", "does", "for", "how", "i", "in", "is", "it", "me", "my"),
    *("of", "or", "the", "to", "was", "what", "when", "where", "which", "why", "with", "you"),
}
_PREFIX: Final = 4
"""Words that share so many letters at their beginning are taken for the same."""
_ANYBODY: Final = {"return_fee_text": "Return Fee"}


def resources() -> tuple[Link, ...]:
    """Name the answers people need first."""
    first = [Link(article.question, article.url) for article in list(ARTICLES.values())[:2]]
    return (*first, Link("All help articles", "/help"))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - _SMALL_WORDS


@cache
def _text(slug: str) -> frozenset[str]:
    """Give the words of an article as everybody may read them, on no account of theirs."""
    context = {"article": ARTICLES[slug], "frame": "portal/_bare.html", "visitor": _ANYBODY}
    page = render_to_string(f"portal/help/{slug}.html", context)
    return frozenset(_words(unescape(re.sub(r"<[^>]+>", " ", page))))


def _hits(wanted: set[str], words: Iterable[str]) -> int:
    """Count the wanted words that are there, or begin like one that is: return, returned."""
    found = set(words)
    starts = {word[:_PREFIX] for word in found if len(word) >= _PREFIX}
    return sum(
        word in found or (len(word) >= _PREFIX and word[:_PREFIX] in starts) for word in wanted
    )


def search(query: str) -> list[Article]:
    """Find articles by the words of their question first, then of their text; best match first."""
    wanted = _words(query)
    if not wanted:
        return list(ARTICLES.values())
    ranked = [
        ((_hits(wanted, _words(article.question)), _hits(wanted, _text(article.slug))), article)
        for article in ARTICLES.values()
    ]
    best = sorted((rank for rank in ranked if any(rank[0])), key=lambda rank: rank[0], reverse=True)
    return [article for _, article in best]


@allow("GET")
@signed_in
def overview(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List the articles, or those that a search finds."""
    query = asked(request, "q")[:200]
    heading = (
        f"Answers to \N{LEFT DOUBLE QUOTATION MARK}{query}\N{RIGHT DOUBLE QUOTATION MARK}"
        if query
        else "Articles"
    )
    page = Help(query=query, heading=heading, articles=tuple(search(query)))
    return visit.show("help.html", page, section="help")


@allow("GET")
@signed_in
def article(request: HttpRequest, visit: Visit, slug: str) -> HttpResponse:
    """Show one answer."""
    found = ARTICLES.get(slug)
    if found is None:
        raise Http404
    context = {
        "article": found,
        "others": tuple(other for other in ARTICLES.values() if other is not found),
        "visitor": visit.visitor(),
        "section": "help",
    }
    return render(request, f"portal/help/{slug}.html", context)
