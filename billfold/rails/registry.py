"""The rails there are: which of them reads a document, and which one a payment goes by.

A new rail is a module of this package, a line here, and a column of the accounting policy.
"""

from __future__ import annotations

from typing import Final

from billfold.formats.sniffing import Format
from billfold.rails import ach, lockbox, wire
from billfold.rails.protocol import Rail

RAILS: Final[tuple[Rail, ...]] = (ach, lockbox, wire)


class NoRail(Exception):
    """No rail reads documents of that kind."""


def kinds_by_format() -> dict[Format, str]:
    """Map each format that a rail reads to the kind of document it is then."""
    return {each: rail.document_kind for rail in RAILS for each in rail.document_formats}


def titles_by_kind() -> dict[str, str]:
    """Map each kind of document that a rail reads to what people call it."""
    return {rail.document_kind: rail.document_title for rail in RAILS}


def reader_of(document_kind: str) -> Rail:
    """Find the rail that reads documents of a kind. Raises: NoRail."""
    for rail in RAILS:
        if rail.document_kind == document_kind:
            return rail
    raise NoRail(document_kind)
