"""The pill of every state: one of the design's eight keys, and the word staff use."""

from __future__ import annotations

from typing import Final

from billfold.banking.models import FileState
from billfold.pages.shapes import Status
from billfold.payments.rules.lifecycle import State

PAYMENT: Final = {
    State.SCHEDULED: Status("scheduled", "Scheduled"),
    State.IN_TRANSIT: Status("processing", "Processing"),
    State.UNKNOWN: Status("processing", "Being confirmed"),
    State.SETTLED: Status("paid", "Paid"),
    State.RETURNED: Status("returned", "Returned"),
    State.FAILED: Status("overdue", "Not made"),
    State.CANCELED: Status("open", "Canceled"),
}

FILE: Final = {
    FileState.BUILT: Status("due-soon", "Needs approval"),
    FileState.RELEASED: Status("scheduled", "Released"),
    FileState.SENDING: Status("scheduled", "Sending"),
    FileState.SENT: Status("processing", "Sent"),
    FileState.ACCEPTED: Status("paid", "Accepted"),
    FileState.REJECTED: Status("returned", "Rejected"),
    FileState.VOID: Status("open", "Sent back"),
    FileState.RECEIVED: Status("processing", "Received"),
    FileState.READ: Status("paid", "Posted"),
    FileState.REFUSED: Status("overdue", "Refused"),
}

CASE_OPEN: Final = Status("due-soon", "Open")
CASE_CLOSED: Final = Status("paid", "Closed")

MESSAGE_SENT: Final = Status("paid", "Sent")
MESSAGE_WAITING: Final = Status("processing", "Waiting")
MESSAGE_FAILED: Final = Status("overdue", "Trying again")


LATE: Final = Status("overdue", "Late")


def payment(state: str, code: str = "", *, is_late: bool = False) -> Status:
    """Give a payment's pill; a return carries its code. Late is what was promised for an earlier
    day.
    """
    if is_late:
        return LATE
    status = PAYMENT[State(state)]
    return Status(status.key, f"{status.word} {code}") if code else status


def file(state: str) -> Status:
    return FILE[FileState(state)]


def case(*, is_closed: bool) -> Status:
    return CASE_CLOSED if is_closed else CASE_OPEN


def message(*, is_sent: bool, last_error: str) -> Status:
    if is_sent:
        return MESSAGE_SENT
    return MESSAGE_FAILED if last_error else MESSAGE_WAITING
