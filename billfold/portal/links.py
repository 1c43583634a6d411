"""Addresses of what has a name of its own; a name may hold any sign."""

from __future__ import annotations

from urllib.parse import quote


def invoice(number: str) -> str:
    return f"/invoices/{quote(number, safe='')}"


def document(number: str) -> str:
    return f"{invoice(number)}/document.pdf"


def payment(reference: str) -> str:
    return f"/payments/{reference}"
