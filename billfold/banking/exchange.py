"""Moving files to and from the bank; no other code does.

Out: built -> released -> sending -> sent -> accepted | rejected, or void. A file is sent once:
`sending` is committed before the upload begins, and after a crash it is looked up at the bank. Only
proof counts there: our file by size and hash, or our own upload cut short. Whatever else is there,
or nothing at all, leaves the transmission unknown, and a person answers.
In: bytes are stored, by their hash, before anything reads them.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from django.db import transaction
from django.db.models import F

from billfold import formats, typed_text
from billfold.banking import file_approvals, transports, upload_quota
from billfold.banking.models import (
    BankConnection,
    BankFile,
    BankFileContent,
    FileRepeat,
    FileState,
)
from billfold.banking.transports import Transport
from billfold.banking.upload_quota import UploadQuota
from billfold.formats import Format
from billfold.platform import audit, gate, locks, parking, sealing, tenancy
from billfold.platform.faults import fault
from billfold.platform.gate import GateClosed, OutwardAct, Passage
from billfold.platform.ids import new_id
from billfold.platform.live_mark import MarkStatus
from billfold.rails import registry
from billfold.rails.protocol import BankDocument, WrittenFile

log = logging.getLogger("billfold.exchange")
_SENDER: Final = audit.job("send")
UNKNOWN_KIND: Final = "unknown"
FETCH: Final = "fetch"
"""The job whose failures at one document are counted."""


class NotByHand(Exception):
    """An acknowledgement counts only if the bank delivered it, not if a person adds it."""


class SendOutcome(StrEnum):
    """What came of sending one released file."""

    SENT = "sent"
    LATER = "later"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    TOO_LATE = "too late"
    NOT_APPROVED = "not approved any more"


@dataclass(frozen=True, slots=True)
class SendResult:
    """One file, and what came of sending it."""

    file: BankFile
    outcome: SendOutcome
    reason: str = ""


def _context(file: BankFile) -> str:
    return f"banking_bankfilecontent|content|{file.id}"


def unseal_content(file: BankFile) -> bytes:
    """Load and decrypt the bytes of a file; they are not kept with it."""
    sealed = BankFileContent.objects.values_list("content_sealed", flat=True).get(pk=file.pk)
    return sealing.unseal(sealed, context=_context(file))


def unseal_document(file: BankFile) -> BankDocument:
    """Load and decrypt a received file, with what its bank knows us by. Needs its connection."""
    bank = file.connection
    return BankDocument(
        file.name,
        unseal_content(file),
        company_id=bank.company_id,
        lockboxes=tuple(bank.lockboxes.split()),
        zone=bank.zone,
    )


def _save_new(file: BankFile, content: bytes) -> None:
    file.save(force_insert=True)
    BankFileContent.objects.create(
        file=file, content_sealed=sealing.seal(content, context=_context(file))
    )


def build(
    bank: BankConnection, written: WrittenFile, *, business_date: date, modifier: str, now: datetime
) -> BankFile:
    """Store an outgoing file, sealed, to wait for its release. Needs an open transaction."""
    document = written.document
    file = BankFile(
        id=new_id(),
        connection=bank,
        direction="out",
        kind="nacha",
        name=document.name,
        sha256=hashlib.sha256(document.content).hexdigest(),
        size=len(document.content),
        state=FileState.BUILT,
        made_at=now,
        made_by="cut-off",
        business_date=business_date,
        modifier=modifier,
        effective_date=written.effective_date,
        entry_count=len(written.entries),
        debit_minor=written.debit.minor,
        credit_minor=written.credit.minor,
    )
    _save_new(file, document.content)
    return file


def send_released(bank: BankConnection, *, now: datetime) -> list[SendResult]:
    """Send every released file to a bank, and settle those whose sending was cut short.

    If the bank is unreachable twice in a row, the rest is not tried.
    """
    results: list[SendResult] = []
    failures_in_a_row = 0
    for file in (
        BankFile.objects.filter(
            connection=bank, direction="out", state__in=[FileState.RELEASED, FileState.SENDING]
        )
        .select_related("connection")
        .order_by("made_at", "id")
    ):
        if failures_in_a_row > 1:
            results.append(SendResult(file, SendOutcome.UNREACHABLE, results[-1].reason))
            continue
        results.append(_send(file, now=now))
        is_unreachable = results[-1].outcome is SendOutcome.UNREACHABLE
        failures_in_a_row = failures_in_a_row + 1 if is_unreachable else 0
    return results


def _send(file: BankFile, *, now: datetime) -> SendResult:
    """Send one file; a second process waits until the first is done, and then finds it sent."""
    with locks.exclusive(f"{tenancy.current().schema}/bankfile/{file.id}"):
        file.refresh_from_db(fields=["state"])
        if file.state not in {FileState.RELEASED, FileState.SENDING}:
            return SendResult(file, SendOutcome.LATER, "somebody else dealt with it")
        try:
            with gate.open(tenancy.current(), OutwardAct.SEND, file.name) as passage:
                return _send_through_gate(file, passage, now=now)
        except GateClosed as closed:
            return SendResult(file, SendOutcome.LATER, str(closed))


def _send_through_gate(file: BankFile, passage: Passage, *, now: datetime) -> SendResult:
    """Send one file, or look up at the bank whether an interrupted upload arrived.

    Raises: PassageLost; then another process may have begun anew, so this upload is not completed.
    """
    transport = transports.from_setting(file.connection.transport)
    content = unseal_content(file)
    try:
        if file.state == FileState.SENDING:
            arrival = _look_up(file, transport, content)
            if arrival is not Arrival.CUT_SHORT:
                is_there = arrival is Arrival.ARRIVED
                return _finish(file, SendOutcome.SENT if is_there else SendOutcome.UNKNOWN, now)
            _keep_back(file)
        if file_approvals.is_too_late(file, now):
            return SendResult(file, SendOutcome.TOO_LATE)
        if obstacle := _begin_sending(file, now):
            return obstacle
        fault("upload_begun")
        transport.put(file.name, content, passage.confirm)
        fault("upload_committed")
    except transports.NotBegun as error:
        log.warning("sending %s: %s", file.name, error)
        _keep_back(file)
        return SendResult(file, SendOutcome.UNREACHABLE, str(error))
    except transports.Unreachable as error:
        log.warning("sending %s: %s", file.name, error)
        return SendResult(file, SendOutcome.UNREACHABLE, str(error))
    return _finish(file, SendOutcome.SENT, now)


def _begin_sending(file: BankFile, now: datetime) -> SendResult | None:
    """Mark a file as being sent, if those who released it still may; else say why it is not."""
    fault("sending_begun")
    with transaction.atomic(durable=True):
        released = BankFile.objects.filter(pk=file.pk, state=FileState.RELEASED)
        if not released.select_for_update().exists():
            return SendResult(file, SendOutcome.LATER, "somebody else dealt with it")
        if not file_approvals.may_leave(file):
            _undo_release(file, now)
            return SendResult(file, SendOutcome.NOT_APPROVED)
        released.update(state=FileState.SENDING)
        fault("sending_inside")
    fault("sending_committed")
    return None


def _undo_release(file: BankFile, now: datetime) -> None:
    """Let a file wait for its approval again. Needs an open transaction."""
    BankFile.objects.filter(pk=file.pk).update(state=FileState.BUILT, released_at=None)
    audit.record("bank file release undone", f"bankfile/{file.id}", actor=_SENDER, now=now)


def _keep_back(file: BankFile) -> None:
    """Set a file of which it is proved that it did not arrive back to released."""
    with transaction.atomic(durable=True):
        BankFile.objects.filter(pk=file.pk, state=FileState.SENDING).update(
            state=FileState.RELEASED
        )


class Arrival(StrEnum):
    """What the far side proves of an interrupted upload."""

    ARRIVED = "arrived"
    CUT_SHORT = "cut short"
    UNKNOWN = "unknown"


def _look_up(file: BankFile, transport: Transport, content: bytes) -> Arrival:
    """Look at the bank for what proves that an interrupted upload arrived, or that it did not.

    That nothing is there proves nothing: the bank may have taken the file under another name.
    """
    uploaded = transport.read_back(file.name)
    if uploaded is not None:
        same = hashlib.sha256(uploaded).hexdigest() == file.sha256 and len(uploaded) == len(content)
        return Arrival.ARRIVED if same else Arrival.UNKNOWN
    return Arrival.CUT_SHORT if transport.has_unfinished(file.name) else Arrival.UNKNOWN


def _finish(file: BankFile, outcome: SendOutcome, now: datetime) -> SendResult:
    if outcome is SendOutcome.UNKNOWN:
        return SendResult(file, outcome, "the far side cannot say whether it arrived")
    fault("sent_begun")
    with transaction.atomic(durable=True):
        moved = BankFile.objects.filter(pk=file.pk, state=FileState.SENDING).update(
            state=FileState.SENT, sent_at=now
        )
        if moved:  # Unless the bank's answer was faster.
            audit.record("bank file sent", f"bankfile/{file.id}", actor=_SENDER, now=now)
        fault("sent_inside")
    fault("sent_committed")
    return SendResult(file, outcome)


@dataclass(frozen=True, slots=True)
class UnfetchedDocument:
    """A document of the bank that could not be fetched, and why."""

    name: str
    reason: str


@dataclass(slots=True)
class FetchResult:
    """What one look into the bank's folder brought."""

    stored: list[BankFile] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    unfetched: list[UnfetchedDocument] = field(default_factory=list)
    unreachable: str = ""
    failures_in_a_row: int = 0


def fetch_new(bank: BankConnection, *, report: parking.Report, now: datetime) -> FetchResult:
    """Store each document the bank left, by its hash, and then remove it at the bank.

    A document that cannot be fetched does not hold up the others; one that cannot be stored is
    tried again later, and in the end parked. If the bank is unreachable twice in a row, the rest
    waits. On HOLD documents are stored and stay at the bank, so one whose name is known already
    waits; a copy of an installation does not even look.
    """
    fetched = FetchResult()
    if gate.mark_status() is not MarkStatus.MATCHES:
        return fetched
    transport = transports.from_setting(bank.transport)
    try:
        names = _names_to_fetch(bank, transport)
        for _ in parking.attempt_each(
            FETCH,
            ((f"{bank.name}/{typed_text.printable_name(name)}", name) for name in names),
            lambda name: _try_to_fetch(bank, transport, name, fetched, now),
            report=report,
            now=now,
        ):
            fetched.failures_in_a_row = 0
    except transports.Unreachable as error:
        log.warning("fetching: %s", error)
        fetched.unreachable = str(error)
    return fetched


def _names_to_fetch(bank: BankConnection, transport: Transport) -> list[str]:
    """List what lies at the bank; while it may not be removed, without what was fetched before."""
    names = transport.waiting()
    if not names or not gate.why_closed(tenancy.current(), OutwardAct.REMOVE):
        return names
    texts = [typed_text.printable_name(name) for name in names]
    known = {
        *BankFile.objects.filter(connection=bank, direction="in", name__in=texts).values_list(
            "name", flat=True
        ),
        *FileRepeat.objects.filter(file__connection=bank, name__in=texts).values_list(
            "name", flat=True
        ),
    }
    return [name for name in names if typed_text.printable_name(name) not in known]


def _try_to_fetch(
    bank: BankConnection, transport: Transport, name: str, fetched: FetchResult, now: datetime
) -> None:
    """Fetch one document, or note why that cannot be. Raises: parking.NotTried, Unreachable."""
    try:
        _fetch(bank, transport, name, fetched, now=now)
    except transports.Unfetchable as error:
        log.warning("fetching %s: %s", typed_text.printable_name(name), error)
        fetched.unfetched.append(UnfetchedDocument(typed_text.printable_name(name), str(error)))
    except transports.Unreachable as error:
        log.warning("fetching %s: %s", typed_text.printable_name(name), error)
        fetched.unreachable = str(error)
        fetched.failures_in_a_row += 1
        if fetched.failures_in_a_row > 1:
            raise
        raise parking.NotTried from error


def _fetch(
    bank: BankConnection, transport: Transport, name: str, fetched: FetchResult, *, now: datetime
) -> None:
    fault("fetch_begun")
    document = BankDocument(typed_text.printable_name(name), transport.get(name))
    file, is_new = store(bank, document, now=now)
    fault("fetch_committed")
    if is_new:
        fetched.stored.append(file)
    else:
        fetched.repeated.append(document.name)
    try:
        with gate.open(tenancy.current(), OutwardAct.REMOVE, document.name):
            transport.remove(name)
    except GateClosed as closed:
        log.info("%s stays at the bank: %s", document.name, closed)


def store(
    bank: BankConnection,
    document: BankDocument,
    *,
    now: datetime,
    actor: audit.Actor | None = None,
    quota: UploadQuota | None = None,
) -> tuple[BankFile, bool]:
    """Store a received document, unless its bytes are stored already; say whether to read it.

    A stored document is read again only if it had been refused, so that nothing was posted from it,
    or waits only because a person had added what the bank delivers now.
    `actor` is the person who added the document by hand; without one the bank delivered it.
    Raises: NotByHand, since one person alone must not decide what became of a file;
    UploadQuotaReached.
    """
    if actor and kind_of(document) == "acknowledgement":
        raise NotByHand
    sha256 = hashlib.sha256(document.content).hexdigest()
    with transaction.atomic(durable=True):
        earlier = BankFile.objects.filter(direction="in", sha256=sha256).first()
        if earlier is not None:
            if earlier.name != document.name:
                FileRepeat.objects.get_or_create(
                    file=earlier, name=document.name, defaults={"id": new_id(), "at": now}
                )
            return earlier, _is_read_again(earlier, is_delivered=actor is None)
        if actor and quota:
            upload_quota.check(quota, actor.id, len(document.content), now=now)
        file = BankFile(
            id=new_id(),
            connection=bank,
            direction="in",
            kind=kind_of(document),
            name=document.name,
            sha256=sha256,
            size=len(document.content),
            state=FileState.RECEIVED,
            made_at=now,
            made_by=actor.name if actor else bank.bank_name,
            added_by_id=actor.id if actor else "",
        )
        _save_new(file, document.content)
        if actor:
            audit.record(
                "bank file added by hand",
                f"bankfile/{file.id}",
                actor=actor,
                now=now,
                after={"name": file.name, "sha256": sha256},
            )
        fault("fetch_inside")
    return file, True


def _is_read_again(earlier: BankFile, *, is_delivered: bool) -> bool:
    """Mark a document to be read again if nothing was posted from it and this may change that."""
    stored = BankFile.objects.filter(pk=earlier.pk)
    unread = [FileState.REFUSED]
    if is_delivered and earlier.added_by_id:
        stored.update(added_by_id="")
        unread.append(FileState.WAITING)
    return bool(
        stored.filter(state__in=unread).update(
            state=FileState.RECEIVED,
            problems=[],
            answered_at=None,
            release_round=F("release_round") + 1,
        )
    )


_OTHER_KINDS: Final = {
    Format.BAI2: "statement",
    Format.CAMT053: "statement",
    Format.X12_820: "remittance",
}
"""Kinds of the documents that no rail reads."""


def _kinds_by_format() -> dict[Format, str]:
    return _OTHER_KINDS | registry.kinds_by_format()


def accepted_formats() -> tuple[Format, ...]:
    """List the formats in which documents of a bank are read."""
    return tuple(_kinds_by_format())


def kind_of(document: BankDocument) -> str:
    """Recognise the kind of a document by its format, without reading it."""
    if document.content.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"status:"):
        return "acknowledgement"
    format = formats.sniff(document.content).format
    return _kinds_by_format().get(format, UNKNOWN_KIND) if format else UNKNOWN_KIND
