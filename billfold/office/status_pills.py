"""The pill of every state: one of the design's eight keys, and the word staff use."""

from __future__ import annotations

from typing import Final

from billfold.banking.models import BankFile, FileState
from billfold.notices.models import Notice
from billfold.pages.view_models import StatusPill
from billfold.payments.models import Case
from billfold.payments.rules.lifecycle import State
from billfold.platform.models import ItemFailure

_PAYMENT: Final = {
    State.SCHEDULED: StatusPill("scheduled", "Scheduled"),
    State.IN_TRANSIT: StatusPill("processing", "Processing"),
    State.UNKNOWN: StatusPill("processing", "Being confirmed"),
    State.SETTLED: StatusPill("paid", "Paid"),
    State.RETURNED: StatusPill("returned", "Returned"),
    State.FAILED: StatusPill("overdue", "Not made"),
    State.CANCELED: StatusPill("open", "Canceled"),
}
_LATE: Final = StatusPill("overdue", "Late")

_FILE: Final = {
    FileState.BUILT: StatusPill("due-soon", "Needs approval"),
    FileState.RELEASED: StatusPill("scheduled", "Released"),
    FileState.SENDING: StatusPill("scheduled", "Sending"),
    FileState.SENT: StatusPill("processing", "Sent"),
    FileState.ACCEPTED: StatusPill("paid", "Accepted"),
    FileState.REJECTED: StatusPill("returned", "Rejected"),
    FileState.VOID: StatusPill("open", "Sent back"),
    FileState.RECEIVED: StatusPill("processing", "Received"),
    FileState.WAITING: StatusPill("due-soon", "Needs two people"),
    FileState.READ: StatusPill("paid", "Posted"),
    FileState.REFUSED: StatusPill("overdue", "Refused"),
}

_CASE_OPEN: Final = StatusPill("due-soon", "Open")
_CASE_CLOSED: Final = StatusPill("paid", "Closed")

_MESSAGE_SENT: Final = StatusPill("paid", "Sent")
_MESSAGE_WAITING: Final = StatusPill("processing", "Waiting")
_MESSAGE_FAILED: Final = StatusPill("overdue", "Trying again")
_MESSAGE_PARKED: Final = StatusPill("overdue", "Set aside")


def of_payment(state: str, *, return_code: str = "", is_late: bool = False) -> StatusPill:
    """Give a payment's pill; a return carries its code. Late is what was promised for an earlier
    day.
    """
    if is_late:
        return _LATE
    status = _PAYMENT[State(state)]
    return StatusPill(status.key, f"{status.word} {return_code}") if return_code else status


def of_file(file: BankFile) -> StatusPill:
    return _FILE[FileState(file.state)]


def of_case(case: Case) -> StatusPill:
    return _CASE_CLOSED if case.closed_at else _CASE_OPEN


def of_message(notice: Notice, failure: ItemFailure | None) -> StatusPill:
    if notice.sent_at:
        return _MESSAGE_SENT
    if failure is None:
        return _MESSAGE_WAITING
    return _MESSAGE_PARKED if failure.parked_at else _MESSAGE_FAILED
