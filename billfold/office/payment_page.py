"""One payment as staff see it: life, ledger lines, evidence, consent. A fixed number of queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import Q

from billfold.ledger import book
from billfold.ledger.chart import FEE_INCOME, Account
from billfold.money import Money, total
from billfold.notices.models import Notice
from billfold.office import links, outbox, shapes, statuses
from billfold.office.links import Proof
from billfold.pages.shapes import Link, Step
from billfold.pages.shapes import Notice as Remark
from billfold.pages.templatetags import bills
from billfold.payments.funnel.messages import FAILED_BECAUSE
from billfold.payments.incoming import reconciliation
from billfold.payments.models import Case, Instruction, Mandate, Payment, PaymentEvent
from billfold.payments.rules.lifecycle import State
from billfold.rails.ach import reason_codes
from billfold.rails.ach.returns import RETURN_CODES
from billfold.receivables.models import Invoice

Told = Callable[[datetime], str]
"""Writes a moment; of today, its time alone."""

TITLES: Final = {
    "submitted": "In a file",
    "settled": "Settled",
    "returned": "Returned",
    "takenback": "Money taken back",
    "withdrawn": "File taken back",
    "refused": "Not made",
    "canceled": "Canceled",
    "postponed": "Put off: its account is still to be asked about",
    "corrected": "Notice of change",
}
_CORRECTED: Final = "Account corrected"
"""What a notice of change is called that changed the bank data."""
_BAD: Final = frozenset({"returned", "withdrawn", "refused", "canceled"})
_IN_TABLE_ONLY: Final = frozenset({"corrected", "takenback"})
_SEC_WORDS: Final = {"WEB": "WEB, single", "CCD": "CCD, business", "PPD": "PPD, single"}


@dataclass(frozen=True, slots=True)
class _Loaded:
    """All rows about one payment."""

    payment: Payment
    events: Sequence[PaymentEvent]
    instructions: Sequence[Instruction]
    proofs: Mapping[str, Proof]
    lines: Sequence[book.Line]
    fee: Invoice | None
    changed: Set[tuple[str, str]]
    """Evidence and code of notices that changed the bank data."""

    @property
    def effective(self) -> Sequence[PaymentEvent]:
        """Give the events that took effect, in the order of their days; a return ends it all."""
        events = (event for event in self.events if event.outcome != "stray")
        return sorted(events, key=lambda event: (event.kind == "returned", event.on_date))

    def title(self, event: PaymentEvent) -> str:
        if event.kind == "corrected" and (event.evidence, event.code) in self.changed:
            return _CORRECTED
        return TITLES.get(event.kind, event.kind)


def _load(payment: Payment) -> _Loaded:
    events = list(payment.events.order_by("at", "id"))
    fee = Invoice.objects.filter(cause=f"return/{payment.reference}").first()
    is_noticed = any(event.kind == "corrected" for event in events)
    changes = payment.method.changes.values_list("evidence", "code") if is_noticed else ()
    return _Loaded(
        payment=payment,
        events=events,
        instructions=list(
            payment.instructions.select_related("file")
            .defer("file__content_sealed")
            .order_by("trace")
        ),
        proofs=links.proofs(event.evidence for event in events),
        lines=_lines(payment, fee),
        fee=fee,
        changed=frozenset(changes),
    )


def _lines(payment: Payment, fee: Invoice | None) -> list[book.Line]:
    """Read the payment's bookings, and those that charged or waived its fee."""
    own = {payment.in_transit, payment.unapplied}
    asked = [*own, fee.receivable] if fee else list(own)
    return [
        line
        for line in book.lines(asked)
        if own & {line.debit, line.credit} or FEE_INCOME in (line.debit, line.credit)
    ]


def of(payment: Payment, told: Told, *, on: date) -> shapes.Payment:
    """Make the page of one payment, as of a day."""
    loaded = _load(payment)
    is_late = payment.is_late(on=on)
    entries = tuple(_entry(line, payment) for line in loaded.lines)
    code = next((e.code for e in loaded.effective if e.kind == "returned"), "")
    return shapes.Payment(
        reference=payment.reference,
        amount=payment.amount,
        status=statuses.payment(
            payment.state,
            code if payment.state == State.RETURNED.value else "",
            is_late=is_late,
        ),
        fact_text=" · ".join(
            [
                payment.customer.name,
                f"Account # {payment.customer.number}",
                payment.method.label,
                f"ACH debit ({payment.mandate.sec_code})",
            ]
        ),
        steps=_steps(loaded, told, is_late=is_late),
        entries=entries,
        entries_total=total((entry.amount for entry in entries), payment.currency),
        no_entries_text="Nothing is booked before the cut-off.",
        events=tuple(_event(event, loaded, told) for event in loaded.events),
        lines=tuple(
            shapes.PaidLine(each.invoice.number, Money(each.amount_minor, payment.currency))
            for each in payment.remittances.select_related("invoice").order_by(
                "invoice__due_date", "invoice__number"
            )
        ),
        bank_facts=_bank_facts(loaded),
        authorization=_authorization(payment.mandate),
        notices=_remarks(loaded, code),
        cases=tuple(
            shapes.CaseLink(
                case.title, links.case(case.id), statuses.case(is_closed=bool(case.closed_at))
            )
            for case in Case.objects.filter(payment=payment).order_by("opened_at", "id")
        ),
        told=tuple(
            outbox.row(notice, told)
            for notice in Notice.objects.filter(about=payment.subject).order_by("queued_at", "id")
        ),
    )


def _entry(line: book.Line, payment: Payment) -> shapes.Entry:
    titles = {**TITLES, "applied": "Applied", "unapplied": "Taken off"}
    return shapes.Entry(
        when_text=bills.short_day(line.effective_date),
        event=titles.get(line.reason, line.reason.capitalize()),
        debit_account=_account(line.debit, payment),
        credit_account=_account(line.credit, payment),
        amount=line.amount,
    )


def _account(account: Account, payment: Payment) -> str:
    """Name a ledger account; the payment whose page this is goes without its number."""
    code = account.code.replace("_", " ").capitalize()
    if account.subject == payment.subject:
        return f"{code} · this payment"
    return f"{code} · {account.subject.partition('/')[2]}" if account.subject else code


def _steps(loaded: _Loaded, told: Told, *, is_late: bool) -> tuple[Step, ...]:
    payment = loaded.payment
    steps = [Step("Authorized", f"{told(payment.created_at)}\n{payment.made_by_name}", tone="done")]
    sent = {f"bankfile/{each.file_id}": each.file.sent_at for each in loaded.instructions}
    for event in loaded.effective:
        if event.kind in _IN_TABLE_ONLY:
            continue
        steps.append(_step(event, loaded.proofs, told))
        sent_at = sent.get(event.evidence)
        if event.kind == "submitted" and sent_at:
            steps.append(Step("Sent to the bank", told(sent_at), tone="done"))
    last = steps.pop()
    steps.append(Step(last.title, last.note, last.tone, True, last.link))
    return (*steps, *_still_to_come(loaded, is_late=is_late))


def _step(event: PaymentEvent, proofs: Mapping[str, Proof], told: Told) -> Step:
    proof = proofs.get(event.evidence)
    when = told(event.at) if event.kind in {"submitted", "canceled"} else bills.day(event.on_date)
    note = f"{when}\n{_reason(event)}" if event.code else when
    return Step(
        f"{TITLES.get(event.kind, event.kind)} {event.code}".strip()
        if event.kind == "returned"
        else TITLES.get(event.kind, event.kind),
        note,
        tone="bad" if event.kind in _BAD else "done",
        link=proof.link if proof else None,
    )


def _still_to_come(loaded: _Loaded, *, is_late: bool) -> list[Step]:
    payment = loaded.payment
    settled = Step("Settled", f"By {bills.long_day(payment.reflected_by)}")
    if is_late:
        note = f"Expected {bills.short_day(payment.reflected_by)}, not seen yet"
        settled = Step("Settled", note, "bad", link=_case_of(loaded))
    if payment.state == State.SCHEDULED.value:
        return [Step("In a file", f"Cut-off of {bills.long_day(payment.collect_on)}"), settled]
    if payment.state in {State.IN_TRANSIT.value, State.UNKNOWN.value}:
        return [settled]
    return []


def _case_of(loaded: _Loaded) -> Link | None:
    """Lead to the open case that may say why the money is not in: of its file's bank line first."""
    about = Q(payment=loaded.payment)
    for each in loaded.instructions:
        if each.is_live:
            name = each.file.name
            about |= Q(facts__file=name) | Q(facts__files__contains=[name])
            about |= Q(evidence=f"bankfile/{each.file_id}")
    found = list(Case.objects.filter(about, closed_at=None).order_by("opened_at", "id"))
    found.sort(key=lambda case: case.kind != reconciliation.KIND)
    return Link("See the open case", links.case(found[0].id)) if found else None


def _reason(event: PaymentEvent) -> str:
    """Write a code in words."""
    if event.kind == "returned":
        return reason_codes.return_code(event.code).label
    if event.kind == "corrected":
        return f"{reason_codes.change_code(event.code).label} ({event.code})"
    if event.code in RETURN_CODES:
        return f"{reason_codes.return_code(event.code).label} ({event.code})"
    return FAILED_BECAUSE.get(event.code, event.code)


def _event(event: PaymentEvent, loaded: _Loaded, told: Told) -> shapes.EventRow:
    proof = loaded.proofs.get(event.evidence)
    notes = [_reason(event) if event.code else "", proof.note if proof else ""]
    if event.outcome == "stray":
        notes.append("It did not fit the payment, so it moved nothing")
    return shapes.EventRow(
        title=loaded.title(event),
        when_text=told(event.at),
        key=event.key,
        note=" · ".join(filter(None, notes)),
        link=proof.link if proof else None,
    )


def _bank_facts(loaded: _Loaded) -> tuple[shapes.Fact, ...]:
    method = loaded.payment.method
    facts = [
        shapes.Fact("From", method.label),
        shapes.Fact("Holder", f"{method.holder_name} ({method.holder})"),
        shapes.Fact("Bank", method.bank_name or "Not in the directory"),
        shapes.Fact("Routing number", method.routing_number, is_code=True),
        shapes.Fact(
            "SEC code",
            _SEC_WORDS.get(loaded.payment.mandate.sec_code, loaded.payment.mandate.sec_code),
        ),
    ]
    for each in loaded.instructions:
        taken_back = "" if each.is_live else " (taken back)"
        name = "Trace #" if each.kind == "payment" else "Trace # of the prenote"
        facts.append(shapes.Fact(name, each.trace, is_code=True))
        facts.append(shapes.Fact("File", f"{each.file.name}{taken_back}", links.file(each.file_id)))
    return tuple(facts)


def _authorization(mandate: Mandate) -> shapes.Authorization:
    facts = [
        shapes.Fact("Text version", mandate.text_version),
        shapes.Fact("From", mandate.ip_address or "Not kept", is_code=True),
        shapes.Fact("Browser", mandate.user_agent or "Not kept"),
        shapes.Fact("Signed in by", mandate.signed_in_by),
    ]
    if mandate.validated_at:
        checked = f"{mandate.validated_by}: {mandate.validation_evidence}"
        facts.append(shapes.Fact("Account check", checked.replace("_", " ")))
        facts.append(shapes.Fact("Checked", bills.stamp(mandate.validated_at)))
    elif mandate.validated_by:
        waiting = f"{mandate.validated_by}: the answer is awaited"
        facts.append(shapes.Fact("Account check", waiting))
    if mandate.revoked_at:
        ended = f"{bills.stamp(mandate.revoked_at)}, {mandate.revoked_why}"
        facts.append(shapes.Fact("Ended", ended))
    return shapes.Authorization(
        given_text=f"Given {bills.stamp(mandate.agreed_at)} by {mandate.agreed_by_name}.",
        text=mandate.text,
        facts=tuple(facts),
    )


def _remarks(loaded: _Loaded, code: str) -> tuple[Remark, ...]:
    state = loaded.payment.state
    if state == State.RETURNED.value:
        reason = reason_codes.return_code(code)
        fee = (
            f" A {loaded.fee.amount.shown()} Return Fee was added ({loaded.fee.number})."
            if loaded.fee
            else " No Return Fee was added."
        )
        return (
            Remark(
                "returned",
                f"What it paid is open again.{fee} {reason.todo}",
                f"The bank returned it: {reason.label} ({code})",
                "bad",
            ),
        )
    if state == State.FAILED.value:
        event = next((e for e in loaded.effective if e.kind == "refused"), None)
        text = _reason(event) if event else "The bank refused it before any money moved."
        return (Remark("warn", text, "This payment was not made", "warn"),)
    return ()
