"""What the staff pages show: finished values, made by the views, printed by the templates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from billfold.money import Money
from billfold.pages.shapes import Field, Link, Notice, Pager, Status, Step, Tab


@dataclass(frozen=True, slots=True)
class Desk:
    """Who works here, and what waits. Context variable `desk` on every office page."""

    name: str
    role: str
    initials: str
    now: datetime
    next_text: str
    files_to_do: int
    cases_to_do: int


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    text: str
    url: str = ""
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class PaymentRow:
    reference: str
    url: str
    customer_name: str
    account_number: str
    method_text: str
    amount: Money
    status: Status
    created_text: str


@dataclass(frozen=True, slots=True)
class Payments:
    fact_text: str
    tabs: tuple[Tab, ...]
    rows: tuple[PaymentRow, ...]
    empty_title: str
    empty_text: str
    pager: Pager | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A transfer, as one debit and one credit."""

    when_text: str
    event: str
    debit_account: str
    credit_account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class EventRow:
    """A payment event with the key that makes it act once, and a link to the file it stood in."""

    title: str
    when_text: str
    key: str
    note: str = ""
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class PaidLine:
    number: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Authorization:
    given_text: str
    text: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class CaseLink:
    title: str
    url: str
    status: Status


@dataclass(frozen=True, slots=True)
class MessageRow:
    subject: str
    url: str
    to: str
    about_text: str
    status: Status
    time_text: str


@dataclass(frozen=True, slots=True)
class Payment:
    reference: str
    amount: Money
    status: Status
    fact_text: str
    steps: tuple[Step, ...]
    entries: tuple[Entry, ...]
    entries_total: Money
    no_entries_text: str
    events: tuple[EventRow, ...]
    lines: tuple[PaidLine, ...]
    bank_facts: tuple[Fact, ...]
    authorization: Authorization | None
    notices: tuple[Notice, ...] = ()
    cases: tuple[CaseLink, ...] = ()
    told: tuple[MessageRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A reason beside a decision: tone "yes" (icon tick), "so" (info) or "no" (warn)."""

    tone: str
    icon: str
    text: str
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A built file that waits for its second person. No release_url: blocked_text says why."""

    id: str
    heading: str
    fact_text: str
    status: Status
    entry_count: str
    debit_total: Money
    entry_hash: str
    checks: tuple[Check, ...]
    checks_text: str
    checks_tone: str
    sha256: str
    button_text: str = ""
    release_url: str = ""
    withdrawal_url: str = ""
    blocked_text: str = ""
    url: str = ""
    all_text: str = ""


@dataclass(frozen=True, slots=True)
class FileRow:
    name: str
    url: str
    kind_text: str
    line_count: str
    total: Money | None
    status: Status
    time_text: str


@dataclass(frozen=True, slots=True)
class Files:
    fact_text: str
    waiting: tuple[Release, ...]
    chips: tuple[Tab, ...]
    rows: tuple[FileRow, ...]
    empty_text: str
    upload: Field
    upload_url: str
    """Empty for who may not add files."""
    pager: Pager | None = None


@dataclass(frozen=True, slots=True)
class FileEntry:
    identity: str
    for_text: str
    kind_text: str
    amount: Money | None
    url: str = ""


@dataclass(frozen=True, slots=True)
class File:
    name: str
    status: Status
    fact_text: str
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]
    entries_heading: str
    entries_note: str
    entries: tuple[FileEntry, ...]
    no_entries_text: str
    sha256: str
    release: Release | None = None
    withdrawal_url: str = ""
    reason: Field = field(default_factory=lambda: Field("reason"))
    notices: tuple[Notice, ...] = ()
    faults: tuple[str, ...] = ()
    """What is wrong with the file, each with its line and field."""
    pager: Pager | None = None


@dataclass(frozen=True, slots=True)
class CaseRow:
    title: str
    url: str
    status: Status
    fact_text: str
    age_text: str
    action_text: str


@dataclass(frozen=True, slots=True)
class Cases:
    fact_text: str
    chips: tuple[Tab, ...]
    rows: tuple[CaseRow, ...]
    empty_title: str
    empty_text: str
    pager: Pager | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    key: str
    title: str
    note: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    number: str
    title: str
    status: Status
    fact_text: str
    story_text: str
    evidence: tuple[Fact, ...]
    history: tuple[Step, ...]
    suspects: tuple[Check, ...] = ()
    choices: tuple[Choice, ...] = ()
    choice_error: str = ""
    note: Field = field(default_factory=lambda: Field("note"))
    closing_text: str = ""
    """What will close it, where no person can."""
    resolution_url: str = ""


@dataclass(frozen=True, slots=True)
class Outbox:
    fact_text: str
    rows: tuple[MessageRow, ...]
    pager: Pager | None = None


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    status: Status
    fact_text: str
    facts: tuple[Fact, ...]
    body: str


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Who may do what this person may not, in words."""

    title: str
    text: str
