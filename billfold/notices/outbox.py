"""The outbox: a message is queued in the transaction of the fact it is about, and sent later."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from smtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from typing import Final

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from billfold.notices.models import Notice
from billfold.platform import gate, parking, rows, tenancy
from billfold.platform.far_sides import Contact
from billfold.platform.faults import fault
from billfold.platform.gate import GateClosed, OutwardAct
from billfold.platform.ids import new_ids

log = logging.getLogger("billfold.outbox")
_BATCH = 200
HAS_WORK: Final = """EXISTS (
    SELECT FROM notices_notice n WHERE n.sent_at IS NULL AND NOT EXISTS (
        SELECT FROM platform_itemfailure f WHERE f.job = 'mail' AND f.item = n.id::text
        AND (f.parked_at IS NOT NULL OR f.next_try_at > %(now)s::timestamptz)))"""
"""Whether `send_waiting` has something to do: an SQL condition."""
BEGIN_FOR_SECONDS = 30.0
"""So long a try begins another message."""
DEADLINE_SECONDS = 60.0
"""When a try ends, whatever the mail server does: its connection is cut."""
_PERMANENT: Final = 500
"""Replies of a mail server from here on are refusals for good. Source: RFC 5321, 4.2.1."""
_SERVER_ERRORS: Final = (
    SMTPServerDisconnected,
    SMTPConnectError,
    SMTPHeloError,
    SMTPAuthenticationError,
)
"""Errors that are no fault of a letter."""
JOB: Final = "mail"


class LetterRefused(Exception):
    """The mail server refuses the letter for good."""


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A message to queue; a key that is queued already is not queued again."""

    key: str
    kind: str
    to_email: str
    to_name: str
    subject: str
    body: str
    about: str


def queue(messages: Sequence[NewNotice], *, now: datetime) -> int:
    """Queue messages to people who have an e-mail; return how many are new.

    Needs an open transaction: that of the facts the messages are about.
    """
    addressed = [message for message in messages if message.to_email]
    if not addressed:
        return 0
    return rows.insert(
        "notices_notice",
        {
            "id": ("uuid", new_ids(len(addressed))),
            "key": ("text", [message.key for message in addressed]),
            "kind": ("text", [message.kind for message in addressed]),
            "to_email": ("text", [message.to_email for message in addressed]),
            "to_name": ("text", [message.to_name for message in addressed]),
            "subject": ("text", [message.subject for message in addressed]),
            "body": ("text", [message.body for message in addressed]),
            "about": ("text", [message.about for message in addressed]),
            "queued_at": ("timestamptz", [now] * len(addressed)),
        },
        conflict="key",
    )


def send_waiting(sender: str, *, report: parking.Report, now: datetime) -> Contact | None:
    """Send what waits, oldest first; say whether the mail server answered, if it was asked.

    What fails is tried again later. Mail is sent outside any transaction, so a crash may send one
    message twice, never none. While nothing may leave, all of it waits.
    """
    unsent = Notice.objects.filter(sent_at=None).exclude(pk__in=parking.waiting(JOB, now=now))
    waiting = list(unsent.order_by("queued_at", "id")[:_BATCH])
    if not waiting or gate.why_closed(tenancy.current(), OutwardAct.MAIL):
        return None
    mail = get_connection()
    try:
        mail.open()
    except (SMTPException, OSError) as error:
        log.warning("the mail server does not answer, so messages wait: %s", error)
        return Contact(str(error) or type(error).__name__)
    begin_until = time.monotonic() + BEGIN_FOR_SECONDS
    letters = ((str(notice.pk), notice) for notice in waiting)
    try:
        with mail, _cut_at_deadline(mail):
            for _ in parking.attempt_each(
                JOB,
                takewhile(lambda _: time.monotonic() <= begin_until, letters),
                lambda notice: _send(notice, mail, sender, report, now),
                report=report,
                now=now,
            ):
                fault("mail_committed")
    except GateClosed:
        return None
    except OSError as error:
        log.warning("the mail server broke off, so messages wait: %s", error)
        return Contact(str(error) or type(error).__name__)
    return Contact()


@contextmanager
def _cut_at_deadline(mail: BaseEmailBackend) -> Iterator[None]:
    """Cut the connection to a mail server that has not done with us in time."""

    def cut() -> None:
        session = getattr(mail, "connection", None)
        if session is not None and session.sock is not None:
            # An encrypted socket's own `shutdown` would pull the encryption from under its reader.
            socket.socket.shutdown(session.sock, socket.SHUT_RDWR)

    timer = threading.Timer(DEADLINE_SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _send(
    notice: Notice, mail: BaseEmailBackend, sender: str, report: parking.Report, now: datetime
) -> None:
    """Send one letter. Raises: LetterRefused, parking.NotNow, GateClosed; OSError of the server."""
    email = EmailMessage(notice.subject, notice.body, sender, [notice.to_email], connection=mail)
    fault("mail_begun")
    try:
        with gate.open(tenancy.current(), OutwardAct.MAIL, "a message"):
            email.send()
            fault("mail_inside")
            Notice.objects.filter(pk=notice.pk).update(sent_at=now)
    except SMTPRecipientsRefused as refused:
        ((code, _),) = refused.recipients.values()
        raise _refusal(code) from refused
    except OSError as error:
        if _is_of_server(error):
            # Whether the letter made it break off cannot be told: the others go first next time.
            put_off = parking.NotNow(type(error).__name__)
            parking.count_failure(JOB, str(notice.pk), put_off, report=report, now=now)
            raise
        if isinstance(error, SMTPResponseException):
            raise _refusal(error.smtp_code) from error
        raise LetterRefused from error


def _is_of_server(error: OSError) -> bool:
    """Say whether the server or the connection failed, rather than one letter."""
    return isinstance(error, _SERVER_ERRORS) or not isinstance(error, SMTPException)


def _refusal(code: int) -> LetterRefused | parking.NotNow:
    """Tell a refusal for good from one for now. Source: RFC 5321, 4.2.1."""
    return LetterRefused(code) if code >= _PERMANENT else parking.NotNow(f"reply {code}")
