"""What staff read of each kind of case: what happened, what they may decide, what will close it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from billfold.payments.cases.case_kinds import CaseKind

OTHER: Final = ("other", "Something else", "Say in the note what you did.")
NOTHING: Final = ("nothing", "Nothing to do", "It is right as it stands.")
_RETRY: Final = (
    "The log says more. When the cause is removed, whoever runs the portal lets it be tried again: "
    "billfold parked retry."
)
STORIES: Final[Mapping[str, str]] = {
    CaseKind.STRAY_EVENT: (
        "The bank told us something about a payment that cannot follow what we know of it. It "
        "moved no money here."
    ),
    CaseKind.RETURN: (
        "The bank of the customer sent a debit back for a reason that needs a person."
    ),
    CaseKind.CHANGE: (
        "The bank of the customer corrected bank data in a way we cannot apply by itself. The "
        "account is used as before."
    ),
    CaseKind.UNFIT_RETURN: (
        "A return names no debit of ours, or differs from it. Nothing was booked for it."
    ),
    CaseKind.UNFIT_NOTICE: (
        "A message of the bank names no debit of ours, or disputes a return or a change. It moved "
        "no money here."
    ),
    CaseKind.BANK_LINE: (
        "The bank shows money on the account that fits nothing we sent. Nothing was booked for it."
    ),
    CaseKind.RECEIPTS: (
        "Customers sent money of their own accord, or word of what it is for. Nothing was applied "
        "to an invoice."
    ),
    CaseKind.UNREADABLE_FILE: (
        "A file cannot be trusted, so none of it was taken in. Its bytes are kept."
    ),
    CaseKind.UNFETCHED_FILE: (
        "A document lies in the bank's folder that cannot be taken from there. The others were; "
        "this one is tried again with each look."
    ),
    CaseKind.REJECTED_FILE: (
        "The bank refused a whole file. No money moved; its payments wait for the next file."
    ),
    CaseKind.REJECTED_ENTRY: (
        "The bank did not process one entry of a file it took. Nothing was booked: ask the bank "
        "whether it repairs the entry and sends it on, or drops it. The case closes by itself if "
        "the payment settles or comes back."
    ),
    CaseKind.UNFIT_ANSWER: (
        "The bank answered to a file what cannot follow. Nothing was changed; the payments of a "
        "file that it says it took go into no other before this is closed."
    ),
    CaseKind.BANK_UNREACHABLE: (
        "A released file waits because the bank's line is down. It is sent as soon as that "
        "answers, while its settlement day is still to come."
    ),
    CaseKind.FAILED_FILE: (
        "Our own software stumbled over a file again and again, so none of it was taken in. Its "
        "bytes are kept, and everything else goes on."
    ),
    CaseKind.FAILED_LINE: (
        "Our own software stumbled over a bank line again and again, so nothing was booked for it. "
        "Everything else goes on."
    ),
    CaseKind.FAILED_PAYMENT: (
        "Our own software stumbled over a payment at the cut-off, so it went into no file. The "
        "other payments did. Its payer can cancel it."
    ),
    CaseKind.FAILED_LETTER: (
        "A letter could not be sent, again and again. Other letters go out. Tell its reader by "
        "other means, if it matters."
    ),
    CaseKind.FAILED_DOCUMENT: (
        "Our own software stumbled over a document in the bank's folder again and again. It lies "
        f"there still; the others were fetched. {_RETRY} The case then closes by itself."
    ),
    CaseKind.LAPSED_RELEASE: (
        "Somebody who approved a file may not release files any more, so it did not leave. It "
        "waits to be approved by another treasurer."
    ),
    CaseKind.LIKE_STOPPED_ACCOUNT: (
        "A customer uses an account that is, but for leading zeros, one that a return to another "
        "customer stopped. Nothing is taken from it. Ask the customer for a check or a statement "
        "of the account."
    ),
    CaseKind.LATE_FILE: "A file can no longer settle on its day, so it is not sent.",
    CaseKind.UNKNOWN_TRANSMISSION: (
        "The line was cut while a file was sent. It is not sent again before the bank says that "
        "it never came."
    ),
    CaseKind.WAITING_STATEMENT: (
        "A bank statement raises a doubt, so none of it was booked. Its bytes are kept."
    ),
    CaseKind.MISSING_STATEMENT: (
        "The bank sent statements of the days around it, and money moved in between."
    ),
    CaseKind.QUIET_DAY: (
        "The bank sent statements of the days around it. They join, so no money moved in between, "
        "or as much came as went."
    ),
    CaseKind.BROKEN_SEAM: (
        "One statement does not open with what the one before closed with. Money moved that no "
        "statement shows, or one of the two is wrong."
    ),
}
CHOICES: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    CaseKind.UNREADABLE_FILE: (
        ("again", "The bank sends a correct file", "It is read like any other when it comes."),
        ("not-ours", "It was not meant for us", "Nothing is missing."),
    ),
    CaseKind.UNFETCHED_FILE: (
        ("removed", "It is fetched, or gone", "If it is there still, a new case opens."),
    ),
    CaseKind.UNKNOWN_TRANSMISSION: (
        ("arrived", "The bank has the file", "It counts as sent; the statement will confirm it."),
        ("missing", "The bank does not have it", "It waits to be approved again; then it is sent."),
    ),
    CaseKind.REJECTED_FILE: (
        ("corrected", "The cause is removed", "The next file is made without it."),
    ),
    CaseKind.FAILED_LETTER: (
        ("reached", "The reader knows by other means", "The letter is not sent any more."),
    ),
    CaseKind.FAILED_DOCUMENT: (
        ("gone", "The bank has taken it back", "What it would have said comes another way."),
    ),
    CaseKind.REJECTED_ENTRY: (
        ("repaired", "The bank repairs it and sends it on", "The statement will confirm it."),
        ("dropped", "The bank drops it", "Its file then settles for less, which opens a case."),
    ),
    CaseKind.QUIET_DAY: (
        ("quiet", "The bank makes no statement of that day", "Nothing moved on the account."),
    ),
}
"""Kind -> key, title and note of each choice that people have besides `OTHER`."""
CLOSES_BY: Final[Mapping[str, str]] = {
    CaseKind.UNFIT_RETURN: (
        "It stays open until the return is booked on the payment it belongs to. That cannot be "
        "done here yet."
    ),
    CaseKind.RECEIPTS: (
        "It stays open until the money is put on invoices or sent back. That cannot be done here "
        "yet."
    ),
    CaseKind.FAILED_FILE: f"It closes by itself as soon as the file is read. {_RETRY}",
    CaseKind.FAILED_LINE: f"It closes by itself as soon as the line is looked at. {_RETRY}",
    CaseKind.FAILED_PAYMENT: (
        f"It closes by itself as soon as the payment is in a file, or canceled. {_RETRY}"
    ),
    CaseKind.WAITING_STATEMENT: (
        "It closes when two treasurers have accepted the statement, or refused it. Until then "
        "nothing of it is booked. Whoever runs the portal does that with them: billfold statement "
        "show, accept and refuse."
    ),
    CaseKind.MISSING_STATEMENT: (
        "It closes by itself as soon as the statement of that day is here and joins those around "
        "it. Ask the bank for it."
    ),
    CaseKind.BROKEN_SEAM: (
        "It stays open until a statement is here that joins the two. Ask the bank which of them "
        "is right. Correcting a statement that is booked cannot be done here yet."
    ),
}
"""Kind of case that carries money -> what closes it."""
