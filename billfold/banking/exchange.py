"""The only code that moves files to and from the bank.

Out: built -> released -> sending -> sent -> accepted | rejected, or void. A file is sent once:
`sending` is committed before the line is opened, and after a crash the far side is looked at.
In: bytes are stored, by their hash, before anybody reads them.
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
from billfold.rails.protocol import Document, Written

log = logging.getLogger("billfold.exchange")
PEOPLE_NEEDED = 2
UNKNOWN: Final = "unknown"


class OtherBytes(Exception):
    """The approval names a hash that is not this file's: look at the file again."""


class ApprovedAlready(Exception):
    """Nobody approves twice, and nobody approves their own act."""


class NotWaiting(Exception):
    """The file is not waiting for a release: somebody decided before."""


class NotByHand(Exception):
    """The bank's answer to a file of ours counts only if the bank left it itself."""


class EffectiveDatePassed(Exception):
    """The file's effective date cannot be met any more: take it back, and it is made anew."""


class Outcome(StrEnum):
    """What became of one released file."""

    SENT = "sent"
    LATER = "later"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    TOO_LATE = "too late"


@dataclass(frozen=True, slots=True)
class Sending:
    """One file and what became of it."""

    file: BankFile
    outcome: Outcome
    reason: str = ""


def _context(file: BankFile) -> str:
    return f"banking_bankfile|content|{file.id}"


def content(file: BankFile) -> bytes:
    """Open the sealed bytes of a file."""
    return sealing.unseal(file.content_sealed, context=_context(file))


def build(
    bank: BankConnection, written: Written, *, business_date: date, modifier: str, now: datetime
) -> BankFile:
    """Keep an outgoing file, sealed, waiting for its release. Needs an open transaction."""
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


def approve(file_id: UUID, sha256: str, *, actor: audit.Actor, now: datetime) -> BankFile:
    """Say yes to exactly these bytes; the second person's yes releases the file.

    Raises: NotWaiting, OtherBytes, ApprovedAlready, EffectiveDatePassed.
    """
    return retries.whole(lambda: _approve(file_id, sha256, actor, now))


def _approve(file_id: UUID, sha256: str, actor: audit.Actor, now: datetime) -> BankFile:
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
        needed = PEOPLE_NEEDED if file.connection.two_people_release else 1
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
    """Release a small file by itself, if the biller set a limit. Needs an open transaction."""
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


def ask_again(file: BankFile) -> None:
    """Let a file that never arrived wait for its people anew. Needs an open transaction."""
    BankFile.objects.filter(pk=file.pk, state=FileState.SENDING).update(
        state=FileState.BUILT, released_at=None, release_round=file.release_round + 1
    )


def send_released(*, now: datetime) -> list[Sending]:
    """Send every released file, and find out about those whose sending was cut short."""
    return [
        _send(file, now=now)
        for file in BankFile.objects.filter(
            direction="out", state__in=[FileState.RELEASED, FileState.SENDING]
        )
        .select_related("connection")
        .order_by("made_at", "id")
    ]


def _send(file: BankFile, *, now: datetime) -> Sending:
    """Send one file; a second sender waits until the first is through, and then finds it sent."""
    with locks.alone(f"bankfile/{file.id}"):
        file.refresh_from_db(fields=["state"])
        if file.state not in {FileState.RELEASED, FileState.SENDING}:
            return Sending(file, Outcome.LATER, "somebody else dealt with it")
        return _send_alone(file, now=now)


def _send_alone(file: BankFile, *, now: datetime) -> Sending:
    transport = transports.of(file.connection.transport)
    plain = content(file)
    try:
        if file.state == FileState.SENDING:
            verdict = _look_at_far_side(file, transport, plain)
            if verdict is not None:
                return _settle(file, verdict, now)
            if is_too_late(file, now):
                return _keep_back(file)
        elif is_too_late(file, now):
            return Sending(file, Outcome.TOO_LATE)
        elif not _begin_sending(file):
            return Sending(file, Outcome.LATER, "somebody else dealt with it")
        fault("upload_begun")
        transport.put(file.name, plain)
        fault("upload_committed")
    except transports.Unreachable as refused:
        log.warning("sending %s: %s", file.name, refused)
        return Sending(file, Outcome.UNREACHABLE, str(refused))
    return _settle(file, Outcome.SENT, now)


def _begin_sending(file: BankFile) -> bool:
    fault("sending_begun")
    with transaction.atomic(durable=True):
        moved = BankFile.objects.filter(pk=file.pk, state=FileState.RELEASED).update(
            state=FileState.SENDING
        )
        fault("sending_inside")
    fault("sending_committed")
    return bool(moved)


def _keep_back(file: BankFile) -> Sending:
    """Let a file that never arrived be taken back, now that it is too late to send it."""
    with transaction.atomic(durable=True):
        BankFile.objects.filter(pk=file.pk, state=FileState.SENDING).update(
            state=FileState.RELEASED
        )
    return Sending(file, Outcome.TOO_LATE)


def _look_at_far_side(file: BankFile, transport: Transport, plain: bytes) -> Outcome | None:
    """Say what became of a transmission that was cut short; None means it never arrived."""
    there = transport.far_side(file.name)
    if there is not None:
        same = hashlib.sha256(there).hexdigest() == file.sha256 and len(there) == len(plain)
        return Outcome.SENT if same else Outcome.UNKNOWN
    return None if transport.shows_uploads else Outcome.UNKNOWN


def _settle(file: BankFile, outcome: Outcome, now: datetime) -> Sending:
    if outcome is Outcome.UNKNOWN:
        return Sending(file, outcome, "the far side cannot say whether it arrived")
    fault("sent_begun")
    with transaction.atomic(durable=True):
        moved = BankFile.objects.filter(pk=file.pk, state=FileState.SENDING).update(
            state=FileState.SENT, sent_at=now
        )
        if moved:  # Unless the bank's answer was faster.
            audit.record("bank file sent", f"bankfile/{file.id}", actor=audit.job("send"), now=now)
        fault("sent_inside")
    fault("sent_committed")
    return Sending(file, outcome)


@dataclass(frozen=True, slots=True)
class Unfit:
    """A document of the bank that cannot be fetched as it is."""

    name: str
    reason: str


@dataclass(slots=True)
class Fetched:
    """What one look into the bank's folder brought."""

    stored: list[BankFile] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    unfit: list[Unfit] = field(default_factory=list)
    unreachable: str = ""


def fetch_new(bank: BankConnection, *, now: datetime) -> Fetched:
    """Store each document the bank left, by its hash, then remove it over there.

    One that cannot be fetched holds nothing up; twice in a row it is the far side that fails.
    """
    transport = transports.of(bank.transport)
    fetched = Fetched()
    in_a_row = 0
    try:
        for name in transport.waiting():
            try:
                _fetch(bank, transport, name, fetched, now=now)
                in_a_row = 0
            except transports.Unfetchable as refused:
                log.warning("fetching %s: %s", printable(name), refused)
                fetched.unfit.append(Unfit(printable(name), str(refused)))
            except transports.Unreachable as refused:
                log.warning("fetching %s: %s", printable(name), refused)
                fetched.unreachable = str(refused)
                in_a_row += 1
                if in_a_row > 1:
                    break
    except transports.Unreachable as refused:
        log.warning("fetching: %s", refused)
        fetched.unreachable = str(refused)
    return fetched


def _fetch(
    bank: BankConnection, transport: Transport, name: str, fetched: Fetched, *, now: datetime
) -> None:
    fault("fetch_begun")
    document = Document(printable(name), transport.get(name))
    file, is_new = store(bank, document, now=now)
    fault("fetch_committed")
    if is_new:
        fetched.stored.append(file)
    else:
        fetched.repeated.append(document.name)
    transport.done(name)


def printable(name: str) -> str:
    """Write a name the bank gave so that it can be kept: what is not text, as its code."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def store(
    bank: BankConnection,
    document: Document,
    *,
    now: datetime,
    actor: audit.Actor | None = None,
) -> tuple[BankFile, bool]:
    """Keep a received document; bytes that are here already are noted as a repeat, and read once
    more if nothing was taken from them. Says whether there is something to read.

    `actor` is the person who added it by hand; without one the bank left it.
    Raises: NotByHand, since one person's word must not say what became of a file.
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
    """Have a document that was refused read once more: nothing was taken from it."""
    again = BankFile.objects.filter(pk=earlier.pk, state=FileState.REFUSED)
    return bool(again.update(state=FileState.RECEIVED, problems=[]))


_KINDS: Final = {
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


TAKEN: Final = tuple(_KINDS)
"""The formats a bank's file may have here."""


def kind_of(document: Document) -> str:
    """Tell documents apart by their ends; what they say is for the readers."""
    if document.content.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"status:"):
        return "acknowledgement"
    found = formats.sniff(document.content).format
    return _KINDS.get(found, UNKNOWN) if found else UNKNOWN
