"""A received file added by hand: kept sealed like one the bank left, and read at once."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Any, Final

from django.contrib import messages
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from billfold import formats
from billfold.banking import connections, exchange
from billfold.banking.models import BankFile, FileState
from billfold.office import files, links, release_card
from billfold.office.desk import WRITE, Visit, staff
from billfold.pages.answers import SeeOther
from billfold.payments.incoming import intake
from billfold.rails.protocol import Document

LARGEST_BYTES: Final = 20 * 1024 * 1024
_LONGEST_NAME: Final = 120
_ANSWER: Final = (
    "The bank's answer to a file decides whether it counts as sent, so it is taken from the "
    "bank's folder only."
)


class InMemory(FileUploadHandler):
    """Keeps an upload in memory: account numbers never lie on a disk in clear. Cuts off excess."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self.kept = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece, up to one byte more than is allowed."""
        self.kept.write(raw_data[: max(0, LARGEST_BYTES + 1 - self.kept.tell())])

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Hand the file over; `size` is what was sent."""
        self.kept.seek(0)
        return InMemoryUploadedFile(
            self.kept,
            self.field_name,
            self.file_name or "",
            self.content_type or "",
            file_size,
            self.charset,
        )


@csrf_exempt  # `_add` checks it, after the handler that must come before the form is read.
@staff(*WRITE)
def add(visit: Visit) -> HttpResponseBase:
    """Take in a document from the bank."""
    if not release_card.may_decide(visit):
        return visit.forbid(
            "Only a treasurer can add a file",
            "What a file from the bank says is booked at once. Hand it to a treasurer.",
            section="files",
        )
    visit.request.upload_handlers = [InMemory(visit.request)]

    @csrf_protect
    def protected(_request: HttpRequest) -> HttpResponse:
        return _add(visit)

    return protected(visit.request)


def _add(visit: Visit) -> HttpResponse:
    upload = visit.request.FILES.get("document")
    if not isinstance(upload, UploadedFile) or not upload.size:
        return files.show(visit, upload_error="Choose a file that is not empty.")
    if upload.size > LARGEST_BYTES:
        size = -(-upload.size // (1024 * 1024))
        text = f"This file has {size} MB. Files of up to 20 MB can be added here."
        return files.show(visit, upload_error=text)
    document = Document(_name(upload.name or ""), upload.read())
    refused = _refused(document)
    if refused:
        return files.show(visit, upload_error=refused)
    try:
        bank = connections.default()
    except connections.NoBank:
        return files.show(visit, upload_error="Set up the bank account first.")
    try:
        file, is_new = exchange.store(bank, document, now=visit.now, actor=visit.person.actor())
    except exchange.NotByHand:
        return files.show(visit, upload_error=_ANSWER)
    if is_new:
        intake.read_received(now=visit.now)
        file.refresh_from_db(fields=["state", "problems"])
    _tell(visit, file, is_new=is_new)
    return SeeOther(links.file(file.id))


def _name(given: str) -> str:
    """Keep the printable end of the name a browser sent."""
    printable = "".join(letter for letter in given if letter.isprintable())
    return printable[-_LONGEST_NAME:] or "received by hand"


def _refused(document: Document) -> str:
    """Say why a document is not even kept: it is none that a bank sends."""
    if exchange.kind_of(document) == exchange.UNKNOWN:
        why = formats.sniff(document.content).reason_unless(*exchange.TAKEN)
        return f"This is not a file we can read: {why}."
    sha256 = hashlib.sha256(document.content).hexdigest()
    own = BankFile.objects.filter(direction="out", sha256=sha256).values_list("name", flat=True)
    ours = own.first()
    return f"This is {ours}, a file we made ourselves. Add what the bank sent." if ours else ""


def _tell(visit: Visit, file: BankFile, *, is_new: bool) -> None:
    if not is_new:
        messages.warning(
            visit.request,
            f"This file is here already: {file.name}, received "
            f"{visit.today_text(file.made_at)}. Nothing was read twice.",
        )
    elif file.state == FileState.REFUSED:
        messages.error(visit.request, f"{file.name} was refused: {file.problems[0]}")
    elif file.state == FileState.READ:
        messages.success(visit.request, f"{file.name} was read. Its entries are listed below.")
    else:
        messages.success(visit.request, f"{file.name} is kept and will be read in a moment.")
