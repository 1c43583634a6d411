"""Moving files to and from the bank; no other code does.

Out: built -> released -> sending -> sent -> accepted | rejected, or void. A file is sent once:
`sending` is committed before the upload begins, and after a crash it is looked up at the bank.
In: bytes are stored, by their hash, before anything reads them.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import transaction

from billfold import formats
from billfold.bankdays import EASTERN
from billfold.banking import transports
from billfold.banking.models import (
    BankConnection,
    BankFile,
    FileApproval,
    FileRepeat,
    FileState,
)
from billfold.banking.transports import Transport
from billfold.formats import Format
from billfold.platform import audit, locks, retries, sealing
from billfold.platform.faults import fault
from billfold.platform.ids import new_id
from billfold.rails.protocol import BankDocument, WrittenFile

log = logging.getLogger("billfold.exchange")
APPROVALS_NEEDED = 2
UNKNOWN_KIND: Final = "unknown"


class OtherBytes(Exception):
    """The approval names another hash than the file's: the person saw other bytes."""


class ApprovedAlready(Exception):
    """This person has approved the file already, and nobody approves twice."""


class NotWaiting(Exception):
    """The file does not wait for its release: that was decided before."""


class NotByHand(Exception):
    """An acknowledgement counts only if the bank delivered it, not if a person adds it."""


class EffectiveDatePassed(Exception):
    """The file's effective date can no longer be met: it must be taken back and made anew."""


class SendOutcome(StrEnum):
    """What came of sending one released file."""

    SENT = "sent"
    LATER = "later"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    TOO_LATE = "too late"


@dataclass(frozen=True, slots=True)
class SendResult:
    """One file, and what came of sending it."""

    file: BankFile
    outcome: SendOutcome
    reason: str = ""


def _context(file: BankFile) -> str:
    return f"banking_bankfile|content|{file.id}"


def unseal_content(file: BankFile) -> bytes:
    """Decrypt the bytes of a file."""
    return sealing.unseal(file.content_sealed, context=_context(file))


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
    file.content_sealed = sealing.seal(document.content, context=_context(file))
    file.save(force_insert=True)
    return file


@retries.retried()
def approve(file_id: UUID, sha256: str, *, actor: audit.Actor, now: datetime) -> BankFile:
    """Approve exactly these bytes; the second person's approval releases the file.

    Raises: NotWaiting, OtherBytes, ApprovedAlready, EffectiveDatePassed.
    """
    fault("approve_begun")
    with transaction.atomic(durable=True):
        file = (
            BankFile.objects.select_for_update(of=["self"])
            .select_related("connection")
            .get(pk=file_id, direction="out")
        )
        if file.state != FileState.BUILT:
            raise NotWaiting
        if sha256 != file.sha256:
            raise OtherBytes
        if is_too_late(file, now):
            raise EffectiveDatePassed
        if file.counting_approvals().filter(actor_id=actor.id).exists():
            raise ApprovedAlready
        _add_approval(file, actor, now)
        needed = APPROVALS_NEEDED if file.connection.two_people_release else 1
        if file.counting_approvals().count() >= needed:
            _release(file, actor, now)
        fault("approve_inside")
    fault("approve_committed")
    return file


def is_too_late(file: BankFile, now: datetime) -> bool:
    """Say whether a file can no longer settle on its effective date.

    A bank takes standard entries until the day before. Source: docs/bank-files.md#effective-date.
    """
    today = now.astimezone(EASTERN).date()
    return file.effective_date is not None and today >= file.effective_date


def release_under_limit(file: BankFile, *, now: datetime) -> None:
    """Release a file up to the biller's limit without people. Needs an open transaction."""
    if file.debit_minor + file.credit_minor <= file.connection.release_limit_minor:
        actor = audit.job("release under the biller's limit")
        _add_approval(file, actor, now)
        _release(file, actor, now)


def _add_approval(file: BankFile, actor: audit.Actor, now: datetime) -> None:
    FileApproval.objects.create(
        id=new_id(),
        file=file,
        sha256=file.sha256,
        actor_id=actor.id,
        actor_name=actor.name,
        at=now,
        round=file.release_round,
    )
    audit.record(
        "bank file approved",
        f"bankfile/{file.id}",
        actor=actor,
        now=now,
        after={"sha256": file.sha256},
    )


def _release(file: BankFile, actor: audit.Actor, now: datetime) -> None:
    moved = BankFile.objects.filter(pk=file.pk, state=FileState.BUILT).update(
        state=FileState.RELEASED, released_at=now
    )
    if not moved:
        raise NotWaiting
    file.state = FileState.RELEASED
    audit.record("bank file released", f"bankfile/{file.id}", actor=actor, now=now)


def require_new_approvals(file: BankFile) -> None:
    """Let a file that never arrived be approved anew. Needs an open transaction."""
    BankFile.objects.filter(pk=file.pk, state=FileState.SENDING).update(
        state=FileState.BUILT, released_at=None, release_round=file.release_round + 1
    )


def send_released(*, now: datetime) -> list[SendResult]:
    """Send every released file, and settle those whose sending was cut short."""
    return [
        _send(file, now=now)
        for file in BankFile.objects.filter(
            direction="out", state__in=[FileState.RELEASED, FileState.SENDING]
        )
        .select_related("connection")
        .order_by("made_at", "id")
    ]


def _send(file: BankFile, *, now: datetime) -> SendResult:
    """Send one file; a second process waits until the first is done, and then finds it sent."""
    with locks.exclusive(f"bankfile/{file.id}"):
        file.refresh_from_db(fields=["state"])
        if file.state not in {FileState.RELEASED, FileState.SENDING}:
            return SendResult(file, SendOutcome.LATER, "somebody else dealt with it")
        return _send_locked(file, now=now)


def _send_locked(file: BankFile, *, now: datetime) -> SendResult:
    """Send one file, or look up at the bank whether an interrupted upload arrived."""
    transport = transports.from_setting(file.connection.transport)
    content = unseal_content(file)
    try:
        if file.state == FileState.SENDING:
            outcome = _look_up(file, transport, content)
            if outcome is not None:
                return _finish(file, outcome, now)
            if is_too_late(file, now):
                return _keep_back(file)
        elif is_too_late(file, now):
            return SendResult(file, SendOutcome.TOO_LATE)
        elif not _begin_sending(file):
            return SendResult(file, SendOutcome.LATER, "somebody else dealt with it")
        fault("upload_begun")
        transport.put(file.name, content)
        fault("upload_committed")
    except transports.Unreachable as error:
        log.warning("sending %s: %s", file.name, error)
        return SendResult(file, SendOutcome.UNREACHABLE, str(error))
    return _finish(file, SendOutcome.SENT, now)


def _begin_sending(file: BankFile) -> bool:
    fault("sending_begun")
    with transaction.atomic(durable=True):
        moved = BankFile.objects.filter(pk=file.pk, state=FileState.RELEASED).update(
            state=FileState.SENDING
        )
        fault("sending_inside")
    fault("sending_committed")
    return bool(moved)


def _keep_back(file: BankFile) -> SendResult:
    """Set a file that never arrived back to released: it is too late to send it."""
    with transaction.atomic(durable=True):
        BankFile.objects.filter(pk=file.pk, state=FileState.SENDING).update(
            state=FileState.RELEASED
        )
    return SendResult(file, SendOutcome.TOO_LATE)


def _look_up(file: BankFile, transport: Transport, content: bytes) -> SendOutcome | None:
    """Read back an upload that was cut short; None means that it never arrived."""
    arrived = transport.read_back(file.name)
    if arrived is not None:
        same = hashlib.sha256(arrived).hexdigest() == file.sha256 and len(arrived) == len(content)
        return SendOutcome.SENT if same else SendOutcome.UNKNOWN
    return None if transport.shows_uploads else SendOutcome.UNKNOWN


def _finish(file: BankFile, outcome: SendOutcome, now: datetime) -> SendResult:
    if outcome is SendOutcome.UNKNOWN:
        return SendResult(file, outcome, "the far side cannot say whether it arrived")
    fault("sent_begun")
    with transaction.atomic(durable=True):
        moved = BankFile.objects.filter(pk=file.pk, state=FileState.SENDING).update(
            state=FileState.SENT, sent_at=now
        )
        if moved:  # Unless the bank's answer was faster.
            audit.record("bank file sent", f"bankfile/{file.id}", actor=audit.job("send"), now=now)
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


def fetch_new(bank: BankConnection, *, now: datetime) -> FetchResult:
    """Store each document the bank left, by its hash, and then remove it at the bank.

    A document that cannot be fetched does not hold up the others. If the bank is unreachable twice
    in a row, the rest waits.
    """
    transport = transports.from_setting(bank.transport)
    fetched = FetchResult()
    failures_in_a_row = 0
    try:
        for name in transport.waiting():
            try:
                _fetch(bank, transport, name, fetched, now=now)
                failures_in_a_row = 0
            except transports.Unfetchable as error:
                log.warning("fetching %s: %s", printable(name), error)
                fetched.unfetched.append(UnfetchedDocument(printable(name), str(error)))
            except transports.Unreachable as error:
                log.warning("fetching %s: %s", printable(name), error)
                fetched.unreachable = str(error)
                failures_in_a_row += 1
                if failures_in_a_row > 1:
                    break
    except transports.Unreachable as error:
        log.warning("fetching: %s", error)
        fetched.unreachable = str(error)
    return fetched


def _fetch(
    bank: BankConnection, transport: Transport, name: str, fetched: FetchResult, *, now: datetime
) -> None:
    fault("fetch_begun")
    document = BankDocument(printable(name), transport.get(name))
    file, is_new = store(bank, document, now=now)
    fault("fetch_committed")
    if is_new:
        fetched.stored.append(file)
    else:
        fetched.repeated.append(document.name)
    transport.remove(name)


def printable(name: str) -> str:
    """Write a file name of the bank's as text that can be stored: other bytes become escapes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def store(
    bank: BankConnection,
    document: BankDocument,
    *,
    now: datetime,
    actor: audit.Actor | None = None,
) -> tuple[BankFile, bool]:
    """Store a received document, unless its bytes are stored already; say whether to read it.

    A stored document is read again only if it had been refused, so that nothing was posted from it.
    `actor` is the person who added the document by hand; without one the bank delivered it.
    Raises: NotByHand, since one person alone must not decide what became of a file.
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
            return earlier, _is_read_again(earlier)
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
        )
        file.content_sealed = sealing.seal(document.content, context=_context(file))
        file.save(force_insert=True)
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


def _is_read_again(earlier: BankFile) -> bool:
    """Mark a document that was refused to be read again: nothing was posted from it."""
    refused = BankFile.objects.filter(pk=earlier.pk, state=FileState.REFUSED)
    return bool(refused.update(state=FileState.RECEIVED, problems=[]))


_KIND_BY_FORMAT: Final = {
    Format.NACHA: "returns",
    Format.NACHA_RETURNS: "returns",
    Format.BAI2: "statement",
    Format.CAMT053: "statement",
    Format.LOCKBOX: "lockbox",
    Format.CAMT054: "wires",
    Format.PACS008: "wires",
    Format.FEDWIRE_TEXT: "wires",
    Format.X12_820: "remittance",
}


ACCEPTED_FORMATS: Final = tuple(_KIND_BY_FORMAT)
"""The formats in which documents of a bank are read."""


def kind_of(document: BankDocument) -> str:
    """Recognise the kind of a document by its format, without reading it."""
    if document.content.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"status:"):
        return "acknowledgement"
    format = formats.sniff(document.content).format
    return _KIND_BY_FORMAT.get(format, UNKNOWN_KIND) if format else UNKNOWN_KIND
