"""One case as staff see it: what happened, what proves it, what can be decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from billfold.office import links, shapes, statuses
from billfold.pages.shapes import Field, Link, Step
from billfold.pages.templatetags import bills
from billfold.payments.incoming import reconciliation
from billfold.payments.models import Case

_OTHER: Final = ("other", "Something else", "Say in the note what you did.")
_NOTHING: Final = ("nothing", "Nothing to do", "It is right as it stands.")
_STORIES: Final[Mapping[str, str]] = {
    "stray event": "The bank told us something about a payment that cannot follow what we know "
    "of it. It moved no money here.",
    "return to look at": "The bank of the customer sent a debit back for a reason that needs a "
    "person.",
    "notice of change": "The bank of the customer corrected bank data in a way we cannot apply by "
    "itself. The account is used as before.",
    "return that does not fit": "A return names no debit of ours, or differs from it. It moved no "
    "money here.",
    "bank line to explain": "The bank shows money on the account that fits nothing we sent. "
    "Nothing was booked for it.",
    "file could not be read": "A file cannot be trusted, so none of it was taken in. Its bytes are "
    "kept.",
    "file could not be fetched": "A document lies in the bank's folder that cannot be taken from "
    "there. The others were; this one is tried again with each look.",
    "file rejected": "The bank refused a whole file. No money moved; its payments wait for the "
    "next file.",
    "answer that does not fit": "The bank answered to a file what cannot follow. Nothing was "
    "changed; the payments of a file that it says it took go into no other before this is closed.",
    "bank does not answer": "A released file waits because the bank's line is down. It is sent as "
    "soon as that answers, while its settlement day is still to come.",
    "file could not be taken in": "Our own software stumbled over a file, so none of it was taken "
    "in. Its bytes are kept. The log says more; add the file again when the cause is removed.",
    "file too late": "A file can no longer settle on its day, so it is not sent.",
    "transmission unknown": "The line was cut while a file was sent. It is not sent again before "
    "the bank says that it never came.",
}
_CHOICES: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "file could not be read": (
        ("again", "The bank sends a correct file", "It is read like any other when it comes."),
        ("not-ours", "It was not meant for us", "Nothing is missing."),
    ),
    "file could not be fetched": (
        ("removed", "It is fetched, or gone", "If it is there still, a new case opens."),
    ),
    "transmission unknown": (
        ("arrived", "The bank has the file", "It counts as sent; the statement will confirm it."),
        ("missing", "The bank does not have it", "It waits to be approved again; then it is sent."),
    ),
    "file rejected": (("corrected", "The cause is removed", "The next file is made without it."),),
}
_LABELS: Final[Mapping[str, str]] = {
    "trace": "Trace #",
    "traces": "Trace #",
    "amount": "The bank says",
    "sent": "We sent",
    "on": "Date",
    "todo": "What to do",
    "info": "The bank adds",
    "type": "Type code",
    "file_total": "File total",
    "sha256": "SHA-256",
    "size": "Bytes",
    "event": "Event",
    "reasons": "Reasons",
    "problems": "What is wrong",
}
_CODES: Final = frozenset({"trace", "traces", "sha256", "event"})
_LONGEST: Final = 20


def choices(case: Case, chosen: str = "") -> tuple[shapes.Choice, ...]:
    """List what can be decided of a case of this kind."""
    return tuple(
        shapes.Choice(key, title, note, key == chosen)
        for key, title, note in (*_CHOICES.get(case.kind, (_NOTHING,)), _OTHER)
    )


def title_of(case: Case, key: str) -> str:
    """Give the words of a choice; nothing if there is no such choice."""
    return next((choice.title for choice in choices(case) if choice.key == key), "")


def of(
    case: Case, *, chosen: str = "", choice_error: str = "", note: Field | None = None
) -> shapes.Case:
    """Make the page of one case. Needs its payment."""
    is_open = case.closed_at is None
    return shapes.Case(
        number=case.kind.capitalize(),
        title=case.title,
        status=statuses.case(is_closed=not is_open),
        fact_text=f"Opened {bills.stamp(case.opened_at)} · {case.owner_name or 'no owner yet'}",
        story_text=_STORIES.get(case.kind, "Something does not fit. Nothing was guessed."),
        evidence=_evidence(case),
        history=_history(case),
        suspects=_suspects(case.facts),
        choices=choices(case, chosen) if is_open else (),
        closing_text=_closing_text(case) if is_open else "",
        choice_error=choice_error,
        note=note or Field("note"),
        resolution_url=links.resolution(case.id) if is_decided_by_hand(case) else "",
    )


def is_decided_by_hand(case: Case) -> bool:
    """Say whether a person closes the case. A bank line is closed by the booking it waits for."""
    return case.closed_at is None and case.kind != reconciliation.KIND


def _closing_text(case: Case) -> str:
    if case.kind != reconciliation.KIND:
        return ""
    code = str(case.facts.get("type", ""))
    if code in reconciliation.ACH_CREDITS:
        return (
            "It closes by itself as soon as the line adds up to a file of ours, or to one less "
            "the payments of it that were returned. Each file from the bank is tried against it. "
            "If a return or a line is missing, ask the bank for it."
        )
    if code in reconciliation.RETURN_DEBITS:
        return (
            "It closes by itself as soon as the return it belongs to is here: of the trace number "
            "it names, or the only returned payment of its amount. If that return is missing, ask "
            "the bank for it."
        )
    return "Money of this kind cannot be booked here yet, so the line stays on this list."


def _evidence(case: Case) -> tuple[shapes.Fact, ...]:
    facts: list[shapes.Fact] = []
    if case.payment:
        reference = case.payment.reference
        facts.append(shapes.Fact("Payment", reference, links.payment(reference)))
    proof = links.proofs([case.evidence]).get(case.evidence)
    if proof:
        facts.append(shapes.Fact("File", proof.link.label, proof.link.url))
        if proof.note:
            facts.append(shapes.Fact("Bank line", proof.note))
    facts += [
        shapes.Fact(
            _LABELS.get(name, name.replace("_", " ").capitalize()), text, is_code=name in _CODES
        )
        for name, value in case.facts.items()
        if name not in {"likely", "reference"}
        for text in _texts(name, value)
    ]
    return tuple(facts)


def _texts(name: str, value: object) -> Iterator[str]:
    """Write a fact, one line for each of several."""
    if name == "on":
        yield bills.day(date.fromisoformat(str(value)))
        return
    several = value if isinstance(value, list) else [value]
    yield from (str(each) for each in several[:_LONGEST] if str(each))


def _suspects(facts: Mapping[str, object]) -> tuple[shapes.Check, ...]:
    likely = facts.get("likely")
    if not isinstance(likely, list):
        return ()
    words = "This payment has exactly the missing amount:"
    if "file_total" not in facts:
        words = "This payment has exactly this amount:"
    return tuple(
        shapes.Check(
            "so",
            "info",
            words,
            Link(str(reference), links.payment(str(reference))),
        )
        for reference in likely[:_LONGEST]
    )


def _history(case: Case) -> tuple[Step, ...]:
    opened = Step("Opened by itself", bills.stamp(case.opened_at), "done")
    if case.closed_at is None:
        waits = "Waits for a person" if is_decided_by_hand(case) else "Waits for the bank"
        return (opened, Step(waits, "", "now", True))
    note = f"{bills.stamp(case.closed_at)}\n{case.resolution}"
    return (opened, Step(f"Closed by {case.closed_by}", note, "done", True))
