"""A received file added by hand: kept sealed like one the bank left, and read at once."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Any, Final

from django.contrib import messages
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from billfold import formats, typed_text
from billfold.banking import connections, exchange, upload_quota
from billfold.banking.models import BankFile, FileState
from billfold.banking.upload_quota import MEGABYTE, UploadQuotaReached
from billfold.office import file_list, moments, staff_frame
from billfold.pages import access, links, refusal_texts
from billfold.pages.access import StaffVisit
from billfold.pages.responses import SeeOther
from billfold.payments.incoming import intake
from billfold.rails.protocol import BankDocument

LARGEST_BYTES: Final = file_list.LARGEST_MEGABYTES * MEGABYTE
_LONGEST_NAME: Final = 120


class InMemoryUpload(FileUploadHandler):
    """Keeps an upload in memory: account numbers never lie on a disk in clear. Cuts off excess."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self.content = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece, up to one byte more than is allowed."""
        self.content.write(raw_data[: max(0, LARGEST_BYTES + 1 - self.content.tell())])

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Hand the file over; `size` is what was sent."""
        self.content.seek(0)
        return InMemoryUploadedFile(
            self.content,
            self.field_name,
            self.file_name or "",
            self.content_type or "",
            file_size,
            self.charset,
        )


@csrf_exempt  # `_add` checks it, after the handler that must come before the form is read.
@access.open_to_staff("POST")
def add_file(visit: StaffVisit) -> HttpResponse:
    """Take in a document from the bank."""
    if not visit.may_release_files:
        return staff_frame.forbid(
            visit,
            "Only a treasurer can add a file",
            "What a file from the bank says is booked at once. Hand it to a treasurer.",
            section="files",
        )
    visit.request.upload_handlers = [InMemoryUpload(visit.request)]

    @csrf_protect
    def protected(_request: HttpRequest) -> HttpResponse:
        return _add(visit)

    return protected(visit.request)


def _add(visit: StaffVisit) -> HttpResponse:
    upload = visit.request.FILES.get("document")
    if not isinstance(upload, UploadedFile) or not upload.size:
        return file_list.show(visit, upload_problem="Choose a file that is not empty.")
    if upload.size > LARGEST_BYTES:
        size = -(-upload.size // MEGABYTE)
        most = file_list.LARGEST_MEGABYTES
        text = f"This file has {size:,} MB. Files of up to {most} MB can be added here."
        return file_list.show(visit, upload_problem=text)
    document = BankDocument(_file_name(upload.name or ""), upload.read())
    problem = _content_problem(document)
    if problem:
        return file_list.show(visit, upload_problem=problem)
    try:
        bank = connections.default()
    except connections.NoBank:
        return file_list.show(visit, upload_problem="Set up the bank account first.")
    try:
        file, is_new = exchange.store(
            bank,
            document,
            now=visit.now,
            actor=visit.person.actor(),
            quota=upload_quota.of_staff(),
        )
    except (exchange.NotByHand, UploadQuotaReached) as refusal:
        return file_list.show(visit, upload_problem=refusal_texts.sentence(refusal))
    if is_new:
        intake.read_received(now=visit.now)
        file.refresh_from_db(fields=["state", "problems"])
    _add_message(visit, file, is_new=is_new)
    return SeeOther(links.staff_file(file.id))


def _file_name(name: str) -> str:
    """Keep the end of the name a browser sent."""
    return typed_text.printable_name(name)[-_LONGEST_NAME:] or "received by hand"


def _content_problem(document: BankDocument) -> str:
    """Say why a document is not even kept: it is none that a bank sends."""
    if exchange.kind_of(document) == exchange.UNKNOWN_KIND:
        reason = formats.sniff(document.content).reason_unless(*exchange.accepted_formats())
        return f"This is not a file we can read: {reason}."
    sha256 = hashlib.sha256(document.content).hexdigest()
    sent = BankFile.objects.filter(direction="out", sha256=sha256).values_list("name", flat=True)
    name = sent.first()
    return f"This is {name}, a file we made ourselves. Add what the bank sent." if name else ""


def _add_message(visit: StaffVisit, file: BankFile, *, is_new: bool) -> None:
    """Add the message for the next page: what became of the file."""
    if not is_new:
        received = moments.in_full(file.made_at, now=visit.now)
        messages.warning(
            visit.request,
            f"This file is here already: {file.name}, received {received}. Nothing was read twice.",
        )
    elif file.state == FileState.REFUSED:
        messages.error(visit.request, f"{file.name} was refused: {file.problems[0]}")
    elif file.state == FileState.WAITING:
        messages.warning(
            visit.request,
            f"{file.name} is kept and not booked yet: another treasurer must accept it.",
        )
    elif file.state == FileState.READ:
        messages.success(visit.request, f"{file.name} was read. Its entries are listed below.")
    else:
        messages.success(visit.request, f"{file.name} is kept and will be read later.")
